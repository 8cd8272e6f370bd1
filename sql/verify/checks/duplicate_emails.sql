with shared as materialized (
    select "email" as email, count(*) as profile_count, count(distinct "tenantId") as tenant_count
    from our_profiles
    where "email" is not null
    group by "email"
    having count(*) > 1
),
holders as materialized (
    select shared.email, profiles."tenantId" as tenant_id, profiles."id"::text as id, profiles."dateOfBirth" as born_on
    from shared
    join our_profiles as profiles on profiles."email" = shared.email
    where shared.profile_count > shared.tenant_count
),
hub_emails as materialized (
    select distinct holders.email
    from holders
    join lent__people as people on people.profile_id = holders.id and people.email = holders.email
    join lent__hubs as hubs
        on hubs.kind = 'EMAIL' and hubs.value = people.email_key and coalesce(hubs.tenant_id, holders.tenant_id) = holders.tenant_id
),
pairs as materialized (
    select a.email, a.id as a_id, b.id as b_id, a.born_on <> b.born_on as has_other_birth
    from holders as a
    join holders as b on b.email = a.email and b.tenant_id = a.tenant_id and b.id > a.id
    left join hub_emails on hub_emails.email = a.email
    where hub_emails.email is null
),
candidate_emails as (
    select distinct pairs.email
    from pairs
    join (
        select least(a_profile_id, b_profile_id) as a_id, greatest(a_profile_id, b_profile_id) as b_id
        from lent__candidates
    ) as candidates using (a_id, b_id)
),
-- An initial says nothing about a profile that another record names in full.
first_names as materialized (
    select distinct written.id, written.first_key
    from (
        select
            holders.id,
            people.first_key,
            length(people.first_key) > 1 as is_full,
            bool_or(length(people.first_key) > 1) over (partition by holders.id) as has_full
        from holders
        join lent__people as people on people.profile_id = holders.id
        where people.first_key is not null
    ) as written
    where written.is_full = written.has_full
),
last_names as materialized (
    select distinct holders.id, people.last_key
    from holders
    join lent__people as people on people.profile_id = holders.id
    where people.last_key is not null
),
named as (
    select distinct id
    from first_names
),
surnamed as (
    select distinct id
    from last_names
),
-- Pairs of which one shows the other's first name, or nothing but its initial.
same_first as (
    select distinct pairs.a_id, pairs.b_id
    from pairs
    join first_names as a on a.id = pairs.a_id
    join first_names as b on b.id = pairs.b_id and left(b.first_key, 1) = left(a.first_key, 1)
    where a.first_key = b.first_key or length(a.first_key) = 1 or length(b.first_key) = 1
),
same_last as (
    select distinct pairs.a_id, pairs.b_id
    from pairs
    join last_names as a on a.id = pairs.a_id
    join last_names as b on b.id = pairs.b_id and b.last_key = a.last_key
),
household_emails as (
    select distinct pairs.email
    from pairs
    left join named as a on a.id = pairs.a_id
    left join named as b on b.id = pairs.b_id
    left join surnamed as c on c.id = pairs.a_id
    left join surnamed as d on d.id = pairs.b_id
    left join same_first on same_first.a_id = pairs.a_id and same_first.b_id = pairs.b_id
    left join same_last on same_last.a_id = pairs.a_id and same_last.b_id = pairs.b_id
    where pairs.has_other_birth
        or (
            a.id is not null
            and b.id is not null
            and (same_first.a_id is null or (c.id is not null and d.id is not null and same_last.a_id is null))
        )
),
nameless_emails as (
    select distinct holders.email
    from holders
    left join named using (id)
    where named.id is null
),
classed as (
    select
        shared.email,
        case
            when shared.profile_count = shared.tenant_count then 'OTHER_TENANT'
            when hub_emails.email is not null then 'HUB'
            when candidate_emails.email is not null then 'CANDIDATE'
            when household_emails.email is not null then 'HOUSEHOLD'
            when nameless_emails.email is not null then 'NAMELESS'
            else 'unclassed'
        end as class
    from shared
    left join hub_emails using (email)
    left join candidate_emails using (email)
    left join household_emails using (email)
    left join nameless_emails using (email)
),
classes (class, position) as (
    values ('OTHER_TENANT', 1), ('HUB', 2), ('CANDIDATE', 3), ('HOUSEHOLD', 4), ('NAMELESS', 5), ('unclassed', 6)
)
select
    classes.class || ' groups' as item,
    case when classes.class = 'unclassed' then (select count(*) from classed) else count(classed.email) end as examined,
    case when classes.class = 'unclassed' then '0' else count(classed.email)::text end as expected,
    count(classed.email)::text as observed,
    case
        when classes.class = 'unclassed' then coalesce(
            (select (array_agg(id order by id))[1:5] from holders where email in (select email from classed where class = 'unclassed')),
            array[]::text[]
        )
        else array[]::text[]
    end as examples
from classes
left join classed using (class)
group by classes.class, classes.position
order by classes.position;
