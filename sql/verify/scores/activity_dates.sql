with compared as (
    select
        cp."id"::text as id,
        cp."bookingCount30d" <> coalesce(facts.bookings_last_30, 0)
            or cp."lastBookingAt" is distinct from facts.last_booking_at
            or cp."lastEmailOpenAt" is distinct from facts.last_open_at
            or cp."lastEmailClickAt" is distinct from facts.last_click_at as differs
    from our_profiles as cp
    left join timeline_facts as facts on facts.profile_id = cp."id"::text
    where not cp.is_kept
)
select
    'bookings in 30 days, latest booking, latest open and click' as item,
    count(*) as examined,
    '0 differ' as expected,
    count(*) filter (where differs) || ' differ' as observed,
    coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) as examples
from compared;
