with founders as (
    select profile_id, count(*) as founder_count, min(source) as source
    from lent__people
    where rule = 'FOUNDER'
    group by profile_id
),
judged as (
    select
        profiles."id"::text as id,
        coalesce(founders.founder_count, 0) = 1 as has_one,
        profiles."source" = replace(founders.source, 'mca_', 'mca_v1_') as is_named
    from our_profiles as profiles
    left join founders on founders.profile_id = profiles."id"::text
    where not profiles.is_kept
)
select
    'profiles without exactly one founder' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where not has_one))::text as observed,
    coalesce((array_agg(id order by id) filter (where not has_one))[1:5], array[]::text[]) as examples
from judged
union all
select
    'profiles whose source is not their founder''s',
    count(*),
    '0',
    (count(*) filter (where is_named is distinct from true))::text,
    coalesce((array_agg(id order by id) filter (where is_named is distinct from true))[1:5], array[]::text[])
from judged;
