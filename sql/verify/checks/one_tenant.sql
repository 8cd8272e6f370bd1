with judged as (
    select
        people.source || ':' || people.source_id as id,
        people.tenant_id = profiles."tenantId"
            -- With identity.scope = "global" a profile may hold records of several tenants.
            and (run.is_identity_global or people.own_tenant_id is null or people.own_tenant_id = profiles."tenantId") as is_right
    from lent__people as people
    cross join lent__run as run
    join our_profiles as profiles on profiles."id"::text = people.profile_id
)
select
    'records linked to a profile of another tenant' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where not is_right))::text as observed,
    coalesce((array_agg(id order by id) filter (where not is_right))[1:5], array[]::text[]) as examples
from judged
union all
select
    'aliases of another tenant than their profile''s',
    count(*),
    '0',
    (count(*) filter (where aliases."tenantId" <> profiles."tenantId"))::text,
    coalesce(
        (array_agg(aliases."id"::text order by aliases."id") filter (where aliases."tenantId" <> profiles."tenantId"))[1:5],
        array[]::text[]
    )
from our_aliases as aliases
join our_profiles as profiles on profiles."id" = aliases."customerId";
