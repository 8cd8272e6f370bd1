with held as (
    select "type" as activity_type, "category"::text as category, "channel" as channel, "title" as title, count(*) as row_count
    from our_activities
    group by 1, 2, 3, 4
),
judged as (
    select
        coalesce(filed.activity_type, held.activity_type) as activity_type,
        coalesce(filed.row_count, 0) as filed_count,
        coalesce(held.row_count, 0) as held_count
    from lent__kinds as filed
    full join held
        on held.activity_type = filed.activity_type
        and held.category = filed.category
        and coalesce(held.channel, '') = coalesce(filed.channel, '')
        and held.title = filed.title
)
select
    activity_type || ' by category, channel and title' as item,
    sum(greatest(filed_count, held_count))::bigint as examined,
    '0 differ' as expected,
    sum(abs(filed_count - held_count)) || ' differ' as observed,
    array[]::text[] as examples
from judged
group by activity_type
order by activity_type;
