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
    'child tables without the key to their profile',
    count(*),
    '0',
    (count(*) filter (where not has_key))::text,
    coalesce((array_agg(name order by name) filter (where not has_key))[1:5], array[]::text[])
from (
    select
        tables.name,
        exists (
            select
            from pg_catalog.pg_constraint as constraints
            where constraints.conrelid = tables.oid
                and constraints.contype = 'f'
                and constraints.confrelid = to_regclass('"CustomerProfile"')
        ) as has_key
    from tables
    where tables.name in (
        'IdentityAlias', 'Activity', 'CustomerSegmentMembership', 'MarketingConsent', 'CampaignInteraction', 'DuplicateCandidate'
    )
) as children
union all
select
    'indexes that are not valid',
    (select count(*) from tables join pg_catalog.pg_index as indexes on indexes.indrelid = tables.oid),
    '0',
    count(*)::text,
    coalesce((array_agg(id order by id))[1:5], array[]::text[])
from broken
order by 1;
