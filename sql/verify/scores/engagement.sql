with components as (
    select
        cp."id"::text as id,
        cp."engagementScore" as held,
        case
            when facts.counted_last_at > run.as_of - interval '8 days' then 100
            when facts.counted_last_at > run.as_of - interval '15 days' then 80
            when facts.counted_last_at > run.as_of - interval '31 days' then 60
            when facts.counted_last_at > run.as_of - interval '61 days' then 40
            when facts.counted_last_at > run.as_of - interval '91 days' then 20
            else 0
        end as recency,
        case
            when facts.counted_last_30 >= 20 then 100
            when facts.counted_last_30 >= 10 then 80
            when facts.counted_last_30 >= 5 then 60
            when facts.counted_last_30 >= 2 then 40
            when facts.counted_last_30 >= 1 then 20
            else 0
        end as frequency,
        least(coalesce(facts.surfaces, 0), 5) * 20 as breadth,
        case
            when coalesce(facts.delivered, 0) = 0 then 0
            when 100 * (facts.opened + 2 * facts.clicked) >= 80 * facts.delivered then 100
            when 100 * (facts.opened + 2 * facts.clicked) >= 50 * facts.delivered then 80
            when 100 * (facts.opened + 2 * facts.clicked) >= 30 * facts.delivered then 60
            when 100 * (facts.opened + 2 * facts.clicked) >= 15 * facts.delivered then 40
            when facts.opened + facts.clicked > 0 then 20
            else 0
        end as depth,
        -- Spend is never known. What was not measured weighs nothing where the weights are shared out.
        case
            when not run.is_renormalised then 100
            when coalesce(facts.delivered, 0) = 0 then 70
            else 80
        end as weights
    from our_profiles as cp
    cross join lent__run as run
    left join timeline_facts as facts on facts.profile_id = cp."id"::text
    where not cp.is_kept
), compared as (
    select
        id,
        held is distinct from round((30 * recency + 25 * frequency + 15 * breadth + 10 * depth)::numeric / weights)::integer as differs
    from components
)
select
    'engagement scores' as item,
    count(*) as examined,
    '0 differ' as expected,
    count(*) filter (where differs) || ' differ' as observed,
    coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) as examples
from compared;
