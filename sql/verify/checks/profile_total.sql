with linked as (
    select distinct profile_id as id
    from lent__people
    where profile_id is not null
),
held as (
    select "id"::text as id
    from our_profiles
    where not is_kept or "id"::text in (select id from linked)
),
odd as (
    select
        coalesce(linked.id, held.id) as id,
        held.id is null as is_missing
    from linked
    full join held on held.id = linked.id
    where linked.id is null or held.id is null
)
select
    'profiles' as item,
    (select count(*) from linked) as examined,
    (select count(*) from linked)::text as expected,
    (select count(*) from held)::text as observed,
    array[]::text[] as examples
union all
select
    'people without their profile',
    (select count(*) from linked),
    '0',
    count(*)::text,
    coalesce((array_agg(id order by id))[1:5], array[]::text[])
from odd
where is_missing
union all
select
    'profiles of nobody',
    (select count(*) from held),
    '0',
    count(*)::text,
    coalesce((array_agg(id order by id))[1:5], array[]::text[])
from odd
where not is_missing;
