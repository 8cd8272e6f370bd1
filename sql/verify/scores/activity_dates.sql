with counted as (
    select
        a."customerId"::text as id,
        count(*) filter (where a."category"::text = 'BOOKING' and a."occurredAt" >= run.as_of - interval '30 days') as bookings_30d,
        max(a."occurredAt") filter (where a."category"::text = 'BOOKING') as last_booking,
        max(a."occurredAt") filter (where a."channel" = 'EMAIL' and a."type" in ('MESSAGE_OPENED', 'MESSAGE_CLICKED')) as last_open,
        max(a."occurredAt") filter (where a."channel" = 'EMAIL' and a."type" = 'MESSAGE_CLICKED') as last_click
    from our_activities as a
    cross join lent__run as run
    where a."occurredAt" <= run.as_of
    group by 1
), compared as (
    select
        cp."id"::text as id,
        cp."bookingCount30d" <> coalesce(counted.bookings_30d, 0)
            or cp."lastBookingAt" is distinct from counted.last_booking
            or cp."lastEmailOpenAt" is distinct from counted.last_open
            or cp."lastEmailClickAt" is distinct from counted.last_click as differs
    from our_profiles as cp
    left join counted on counted.id = cp."id"::text
    where not cp.is_kept
)
select
    'bookings in 30 days, latest booking, latest open and click' as item,
    count(*) as examined,
    '0 differ' as expected,
    count(*) filter (where differs) || ' differ' as observed,
    coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) as examples
from compared;
