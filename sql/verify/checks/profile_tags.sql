with tags as (
    select
        people.profile_id,
        people.status_tag::text as tag
    from lent__people as people
    where people.profile_id is not null and people.status_tag is not null
    union
    select
        profiles."id"::text as profile_id,
        'pre_whs' as tag
    from our_profiles as profiles
    join lent__switches as switches on switches.tenant_id = profiles."tenantId"
    where profiles."handicap" is not null and profiles."handicapUpdatedAt" < switches.whs_from
), due as (
    select
        profile_id,
        array_agg(tag order by tag collate "C") as tags
    from tags
    group by profile_id
), compared as (
    select
        profiles."id"::text as id,
        due.profile_id is not null or cardinality(profiles."tags") > 0 as is_examined,
        -- Bounces are told by the message log alone.
        coalesce(array_remove(array_remove(profiles."tags"::text[], 'email_bounced'), 'phone_bounced'), array[]::text[])
            is distinct from coalesce(due.tags, array[]::text[]) as differs
    from our_profiles as profiles
    left join due on due.profile_id = profiles."id"::text
    where not profiles.is_kept
)
select
    'tags that do not follow from statuses and the handicap''s date' as item,
    count(*) filter (where is_examined) as examined,
    '0' as expected,
    (count(*) filter (where differs))::text as observed,
    coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) as examples
from compared;
