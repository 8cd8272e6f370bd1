with shared as (
    select "email" as email, count(*) as profile_count, count(distinct "tenantId") as tenant_count
    from our_profiles
    where "email" is not null
    group by "email"
    having count(*) > 1
),
holders as (
    select shared.email, profiles."tenantId" as tenant_id, profiles."id"::text as id, profiles."dateOfBirth" as born_on
    from shared
    join our_profiles as profiles on profiles."email" = shared.email
    where shared.profile_count > shared.tenant_count
),
hub_emails as (
    select distinct holders.email
    from holders
    join lent__people as people on people.profile_id = holders.id and people.email = holders.email
    join lent__hubs as hubs
        on hubs.kind = 'EMAIL' and hubs.value = people.email_key and coalesce(hubs.tenant_id, holders.tenant_id) = holders.tenant_id
),
pairs as (
    select a.email, a.id as a_id, b.id as b_id, a.born_on <> b.born_on as has_other_birth
    from holders as a
    join holders as b on b.email = a.email and b.tenant_id = a.tenant_id and b.id > a.id
    where a.email not in (select email from hub_emails)
),
candidate_emails as (
    select distinct pairs.email
    from pairs
    join lent__candidates as candidates
        on least(candidates.a_profile_id, candidates.b_profile_id) = pairs.a_id
        and greatest(candidates.a_profile_id, candidates.b_profile_id) = pairs.b_id
),
first_names as (
    select distinct profile_id, first_key
    from lent__people
    where first_key is not null and profile_id in (select id from holders)
),
household_emails as (
    select distinct pairs.email
    from pairs
    where pairs.has_other_birth
        or (
            exists (select from first_names where profile_id = pairs.a_id)
            and exists (select from first_names where profile_id = pairs.b_id)
            and not exists (
                select
                from first_names as a
                join first_names as b
                    on starts_with(a.first_key, b.first_key) or starts_with(b.first_key, a.first_key)
                where a.profile_id = pairs.a_id and b.profile_id = pairs.b_id
            )
        )
),
nameless_emails as (
    select distinct email
    from holders
    where id not in (select profile_id from first_names)
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
