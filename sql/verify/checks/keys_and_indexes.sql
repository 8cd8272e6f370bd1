with ours (name) as (
    values
        ('CustomerProfile'),
        ('IdentityAlias'),
        ('Activity'),
        ('CustomerNote'),
        ('CustomerSegment'),
        ('CustomerSegmentMembership'),
        ('MarketingConsent'),
        ('CampaignInteraction'),
        ('AttributionEvent'),
        ('SyncLog'),
        ('DuplicateCandidate')
),
tables as (
    select to_regclass(quote_ident(name)) as oid, name
    from ours
),
keys as (
    select
        tables.name,
        count(*) filter (where constraints.contype = 'p') as primary_count,
        count(*) filter (where constraints.contype = 'f' and not constraints.convalidated) as doubtful_count
    from tables
    left join pg_catalog.pg_constraint as constraints on constraints.conrelid = tables.oid
    group by tables.name
),
-- Tables that the database itself keeps from having rows without their profile.
guarded as (
    select tables.name
    from tables
    join pg_catalog.pg_constraint as constraints on constraints.conrelid = tables.oid
    where constraints.contype = 'f'
        and constraints.confrelid = to_regclass('"CustomerProfile"')
),
-- Rows of the other tables. The condition is constant in each branch, so tables with a key are not read.
children as (
    select 'IdentityAlias' as name, "id"::text as id, "customerId" as profile_id
    from "IdentityAlias"
    where 'IdentityAlias' not in (select name from guarded)
    union all
    select 'Activity' as name, "id"::text as id, "customerId" as profile_id
    from "Activity"
    where 'Activity' not in (select name from guarded)
    union all
    select 'CustomerSegmentMembership' as name, "id"::text as id, "customerId" as profile_id
    from "CustomerSegmentMembership"
    where 'CustomerSegmentMembership' not in (select name from guarded)
    union all
    select 'MarketingConsent' as name, "id"::text as id, "customerId" as profile_id
    from "MarketingConsent"
    where 'MarketingConsent' not in (select name from guarded)
    union all
    select 'CampaignInteraction' as name, "id"::text as id, "customerId" as profile_id
    from "CampaignInteraction"
    where 'CampaignInteraction' not in (select name from guarded)
    union all
    select 'DuplicateCandidate' as name, "id"::text as id, "profileAId" as profile_id
    from "DuplicateCandidate"
    where 'DuplicateCandidate' not in (select name from guarded)
    union all
    select 'DuplicateCandidate' as name, "id"::text as id, "profileBId" as profile_id
    from "DuplicateCandidate"
    where 'DuplicateCandidate' not in (select name from guarded)
),
lost as (
    select name
    from children
    where id like 'bf11____-____-8___-____-____________'
        and not exists (select from "CustomerProfile" as profile where profile."id" = children.profile_id)
),
broken as (
    select tables.name || '.' || indexes.indexrelid::regclass as id
    from tables
    join pg_catalog.pg_index as indexes on indexes.indrelid = tables.oid
    where not indexes.indisvalid or not indexes.indisready
)
select
    'tables without a primary key or with a key not validated' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where primary_count = 0 or doubtful_count > 0))::text as observed,
    coalesce((array_agg(name order by name) filter (where primary_count = 0 or doubtful_count > 0))[1:5], array[]::text[])
        as examples
from keys
union all
select
    'rows without their profile, in tables without a key to it',
    (select count(*) from tables),
    '0',
    count(*)::text,
    coalesce((array_agg(distinct name order by name))[1:5], array[]::text[])
from lost
union all
select
    'indexes that are not valid',
    (select count(*) from tables join pg_catalog.pg_index as indexes on indexes.indrelid = tables.oid),
    '0',
    count(*)::text,
    coalesce((array_agg(id order by id))[1:5], array[]::text[])
from broken
order by 1;
