with stated as (
    select
        "id"::text as id,
        "customerId"::text as profile_id,
        "type" as kind,
        case "sourceService" when 'mca_v1_za' then 'mca_za' else "sourceService" end as source,
        case
            when "type" = 'MEMBER_CREATED' then "sourceId"
            when "sourceService" = 'mca_v1_za' and "sourceId" like 'member_clubs:%' then split_part("sourceId", ':', 2)
        end as source_id
    from our_activities
    where "category"::text = 'MEMBERSHIP'
),
judged as (
    select stated.kind, stated.id, people.profile_id = stated.profile_id as is_right
    from stated
    left join lent__people as people on people.source = stated.source and people.source_id = stated.source_id
    where stated.source_id is not null
)
select
    kind || ' on the timeline of somebody else' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where is_right is distinct from true))::text as observed,
    coalesce((array_agg(id order by id) filter (where is_right is distinct from true))[1:5], array[]::text[]) as examples
from judged
group by kind
order by kind;
