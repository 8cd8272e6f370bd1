with judged as (
    select 'activities' as kind, activities."id"::text as id, activities."tenantId" = profiles."tenantId" as is_right
    from our_activities as activities
    join our_profiles as profiles on profiles."id" = activities."customerId"
    union all
    select 'campaign interactions', interactions."id"::text, interactions."tenantId" = profiles."tenantId"
    from our_interactions as interactions
    join our_profiles as profiles on profiles."id" = interactions."customerId"
)
select
    kind || ' of another tenant than their profile''s' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where not is_right))::text as observed,
    coalesce((array_agg(id order by id) filter (where not is_right))[1:5], array[]::text[]) as examples
from judged
group by kind
order by kind;
