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
    count(*),
    '0',
    sum(lost_count)::text,
    coalesce((array_agg(name order by name) filter (where lost_count > 0))[1:5], array[]::text[])
from (
    values
        (
            'IdentityAlias',
            case
                when not exists (select from guarded where guarded.name = 'IdentityAlias') then (
                    select count(*)
                    from "IdentityAlias" as child
                    where child."id"::text like 'bf11____-____-8___-____-____________'
                        and not exists (select from "CustomerProfile" as profile where profile."id" = child."customerId")
                )
                else 0
            end
        ),
        (
            'Activity',
            case
                when not exists (select from guarded where guarded.name = 'Activity') then (
                    select count(*)
                    from "Activity" as child
                    where child."id"::text like 'bf11____-____-8___-____-____________'
                        and not exists (select from "CustomerProfile" as profile where profile."id" = child."customerId")
                )
                else 0
            end
        ),
        (
            'CustomerSegmentMembership',
            case
                when not exists (select from guarded where guarded.name = 'CustomerSegmentMembership') then (
                    select count(*)
                    from "CustomerSegmentMembership" as child
                    where child."id"::text like 'bf11____-____-8___-____-____________'
                        and not exists (select from "CustomerProfile" as profile where profile."id" = child."customerId")
                )
                else 0
            end
        ),
        (
            'MarketingConsent',
            case
                when not exists (select from guarded where guarded.name = 'MarketingConsent') then (
                    select count(*)
                    from "MarketingConsent" as child
                    where child."id"::text like 'bf11____-____-8___-____-____________'
                        and not exists (select from "CustomerProfile" as profile where profile."id" = child."customerId")
                )
                else 0
            end
        ),
        (
            'CampaignInteraction',
            case
                when not exists (select from guarded where guarded.name = 'CampaignInteraction') then (
                    select count(*)
                    from "CampaignInteraction" as child
                    where child."id"::text like 'bf11____-____-8___-____-____________'
                        and not exists (select from "CustomerProfile" as profile where profile."id" = child."customerId")
                )
                else 0
            end
        ),
        (
            'DuplicateCandidate',
            case
                when not exists (select from guarded where guarded.name = 'DuplicateCandidate') then (
                    select count(*)
                    from "DuplicateCandidate" as child
                    where child."id"::text like 'bf11____-____-8___-____-____________'
                        and not exists (select from "CustomerProfile" as profile where profile."id" = child."profileAId")
                )
                else 0
            end
        ),
        (
            'DuplicateCandidate',
            case
                when not exists (select from guarded where guarded.name = 'DuplicateCandidate') then (
                    select count(*)
                    from "DuplicateCandidate" as child
                    where child."id"::text like 'bf11____-____-8___-____-____________'
                        and not exists (select from "CustomerProfile" as profile where profile."id" = child."profileBId")
                )
                else 0
            end
        )
) as children (name, lost_count)
union all
select
    'indexes that are not valid',
    (select count(*) from tables join pg_catalog.pg_index as indexes on indexes.indrelid = tables.oid),
    '0',
    count(*)::text,
    coalesce((array_agg(id order by id))[1:5], array[]::text[])
from broken
order by 1;
