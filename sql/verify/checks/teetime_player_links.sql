with linked as (
    select source_id, profile_id
    from lent__people
    where source = 'teetime' and profile_id is not null
),
shown as (
    select "id"::text as profile_id, "teetimePlayerId" as source_id
    from our_profiles
    where "teetimePlayerId" is not null
        and not is_kept
),
aliased as (
    select "customerId"::text as profile_id, "value" as source_id
    from our_aliases
    where "type"::text = 'TEETIME_PLAYER_ID'
)
select
    'teetimePlayerId that is no linked row' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where linked.source_id is null))::text as observed,
    coalesce((array_agg(shown.profile_id order by shown.profile_id) filter (where linked.source_id is null))[1:5], array[]::text[])
        as examples
from shown
left join linked on linked.source_id = shown.source_id and linked.profile_id = shown.profile_id
union all
select
    'linked rows without an alias',
    count(*),
    '0',
    (count(*) filter (where aliased.source_id is null))::text,
    coalesce((array_agg(linked.source_id order by linked.source_id) filter (where aliased.source_id is null))[1:5], array[]::text[])
from linked
left join aliased on aliased.source_id = linked.source_id and aliased.profile_id = linked.profile_id
union all
select
    'aliases that are no linked row',
    count(*),
    '0',
    (count(*) filter (where linked.source_id is null))::text,
    coalesce((array_agg(aliased.source_id order by aliased.source_id) filter (where linked.source_id is null))[1:5], array[]::text[])
from aliased
left join linked on linked.source_id = aliased.source_id and linked.profile_id = aliased.profile_id
union all
select
    'profiles with linked rows that show none',
    count(*),
    '0',
    (count(*) filter (where shown.profile_id is null))::text,
    coalesce((array_agg(owners.profile_id order by owners.profile_id) filter (where shown.profile_id is null))[1:5], array[]::text[])
from (
    select distinct profile_id
    from linked
    where profile_id not in (select id from lent__kept where table_name = 'CustomerProfile')
) as owners
left join shown on shown.profile_id = owners.profile_id;
