with counted as (
    select
        cp."id"::text as id,
        cp."activityCount30d" as held_30d,
        cp."activityCount90d" as held_90d,
        cp."lastActivityAt" as held_last,
        cp."bookingCountTotal" as held_bookings,
        coalesce(a.count_30d, 0) as count_30d,
        coalesce(a.count_90d, 0) as count_90d,
        coalesce(a.later_count, 0) as later_count,
        a.last_at,
        a.last_past_at,
        coalesce(a.bookings, 0) as bookings
    from our_profiles as cp
    left join (
        select
            a."customerId",
            count(*) filter (where a."occurredAt" >= (select as_of - interval '30 days' from lent__run)) as count_30d,
            count(*) filter (where a."occurredAt" >= (select as_of - interval '90 days' from lent__run)) as count_90d,
            count(*) filter (where a."occurredAt" > (select as_of from lent__run)) as later_count,
            max(a."occurredAt") as last_at,
            max(a."occurredAt") filter (where a."occurredAt" <= (select as_of from lent__run)) as last_past_at,
            count(*) filter (where a."category"::text = 'BOOKING') as bookings
        from "Activity" as a
        group by a."customerId"
    ) as a on a."customerId" = cp."id"
    where not cp.is_kept
)
select
    'metrics that the strategy''s UPDATE would give, nothing after as_of counted' as item,
    count(*) as examined,
    '0 differ' as expected,
    count(*) filter (
        where held_30d <> count_30d - later_count
            or held_90d <> count_90d - later_count
            or held_bookings <> bookings
            or held_last is distinct from last_past_at
    ) || ' differ' as observed,
    coalesce(
        (
            array_agg(id order by id) filter (
                where held_30d <> count_30d - later_count
                    or held_90d <> count_90d - later_count
                    or held_bookings <> bookings
                    or held_last is distinct from last_past_at
            )
        )[1:5],
        array[]::text[]
    ) as examples
from counted
union all
select
    'profiles that the UPDATE as written would change, each by a date after as_of',
    count(*) filter (where later_count > 0),
    (count(*) filter (where later_count > 0)) || ' profiles',
    count(*) filter (
        where held_30d <> count_30d or held_90d <> count_90d or held_bookings <> bookings or held_last is distinct from last_at
    ) || ' profiles',
    array[]::text[]
from counted;
