with carried as (
    select profile_id, 'EMAIL' as kind, email as value
    from lent__people
    where profile_id is not null and email is not null
    union
    select profile_id, 'PHONE', phone
    from lent__people
    where profile_id is not null and phone is not null
    union
    select profile_id, 'AUTH_USER_ID', auth_user_id
    from lent__people
    where profile_id is not null and auth_user_id is not null
    union
    select people.profile_id, identifiers.kind, identifiers.value
    from lent__identifiers as identifiers
    join lent__people as people using (source, source_id)
    where people.profile_id is not null
),
shown as (
    select "id"::text as profile_id, 'EMAIL' as kind, "email" as value
    from our_profiles
    where "email" is not null and not is_kept
    union all
    select "id"::text, 'PHONE', "phoneNumber"
    from our_profiles
    where "phoneNumber" is not null and not is_kept
    union all
    select "id"::text, 'AUTH_USER_ID', "authUserId"
    from our_profiles
    where "authUserId" is not null and not is_kept
),
primaries as (
    select "customerId"::text as profile_id, "type"::text as kind, "value" as value
    from our_aliases
    where "isPrimary"
        and "type"::text in ('EMAIL', 'PHONE', 'AUTH_USER_ID')
        and "customerId"::text not in (select id from lent__kept where table_name = 'CustomerProfile')
)
select
    kinds.kind || ' shown that no linked record carries' as item,
    count(shown.profile_id) as examined,
    '0' as expected,
    (count(shown.profile_id) filter (where carried.profile_id is null))::text as observed,
    coalesce(
        (array_agg(shown.profile_id order by shown.profile_id) filter (where shown.value is not null and carried.value is null))[1:5],
        array[]::text[]
    ) as examples
from (values ('AUTH_USER_ID'), ('EMAIL'), ('PHONE')) as kinds (kind)
left join shown on shown.kind = kinds.kind
left join carried on carried.profile_id = shown.profile_id and carried.kind = shown.kind and carried.value = shown.value
group by kinds.kind
union all
select
    kinds.kind || ' shown that is not the primary alias',
    count(*),
    '0',
    (count(*) filter (where shown.value is null or primaries.value is null))::text,
    coalesce(
        (
            array_agg(coalesce(shown.profile_id, primaries.profile_id) order by coalesce(shown.profile_id, primaries.profile_id))
            filter (where shown.value is null or primaries.value is null)
        )[1:5],
        array[]::text[]
    )
from shown
full join primaries
    on primaries.profile_id = shown.profile_id and primaries.kind = shown.kind and primaries.value = shown.value
cross join lateral (select coalesce(shown.kind, primaries.kind)) as kinds (kind)
group by kinds.kind
order by 1;
