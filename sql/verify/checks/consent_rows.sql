with units as materialized (
    select *
    from consent_units
    where profile_id is not null
),
by_others as materialized (
    select *
    from consent_by_others
),
own as (
    select
        profile_id,
        channel,
        scope,
        bool_or(is_refused) as is_refused,
        max(decided_at) filter (where is_refused) as refused_at,
        coalesce(
            max(decided_at) filter (where not is_refused and is_logged),
            max(decided_at) filter (where not is_refused)
        ) as granted_at
    from units
    group by profile_id, channel, scope
),
covering as (
    -- A contact flag affects marketing scopes only.
    select own.profile_id, own.channel, own.scope, max(units.decided_at) as refused_at
    from own
    join units
        on units.profile_id = own.profile_id
        and units.channel = own.channel
        and units.scope = 'all'
        and units.is_refused
        and not (units.is_by_flag and own.scope = 'transactional')
    group by own.profile_id, own.channel, own.scope
),
covered as (
    select
        own.profile_id,
        own.channel,
        own.scope,
        case
            when bool_or(by_others.is_of_this_run) then max(by_others.revoked_at) filter (where by_others.is_of_this_run)
            else max(by_others.revoked_at)
        end as refused_at
    from own
    join by_others
        on by_others.profile_id = own.profile_id
        and by_others.channel = own.channel
        and by_others.scope in (own.scope, 'all')
        and not (by_others.is_by_flag and own.scope = 'transactional')
    group by own.profile_id, own.channel, own.scope
),
expected as (
    select
        own.profile_id,
        own.channel,
        own.scope,
        own.is_refused or covering.profile_id is not null or covered.profile_id is not null as is_refused,
        case
            when own.is_refused then own.refused_at
            when covering.profile_id is not null then covering.refused_at
            when covered.profile_id is not null then covered.refused_at
            else own.granted_at
        end as decided_at
    from own
    left join covering
        on covering.profile_id = own.profile_id and covering.channel = own.channel and covering.scope = own.scope
    left join covered
        on covered.profile_id = own.profile_id and covered.channel = own.channel and covered.scope = own.scope
),
held as (
    select
        "customerId"::text as profile_id,
        "channel"::text as channel,
        "scope" as scope,
        "status"::text = 'OPTED_OUT' as is_refused,
        case "status"::text when 'OPTED_OUT' then "revokedAt" else "consentedAt" end as decided_at,
        "id"::text as id,
        is_kept,
        case "status"::text when 'OPTED_OUT' then "consentedAt" else "revokedAt" end is null as is_single_dated
    from our_consents
),
others as (
    select distinct "customerId"::text as profile_id, "channel"::text as channel, "scope" as scope
    from "MarketingConsent"
    where case when "id"::text like 'bf11%' then substr("id"::text, 15, 1) <> '8' else true end
),
judged as (
    select
        coalesce(held.id, expected.profile_id) as id,
        held.id is null as is_missing,
        expected.profile_id is null as is_unfounded,
        held.is_refused is distinct from expected.is_refused as has_other_status,
        held.decided_at is distinct from expected.decided_at or not held.is_single_dated as has_other_date
    from expected
    full join held
        on held.profile_id = expected.profile_id and held.channel = expected.channel and held.scope = expected.scope
    left join others
        on others.profile_id = expected.profile_id and others.channel = expected.channel and others.scope = expected.scope
    where held.is_kept is not true
        -- If a foreign row has the key, ours could not be inserted.
        and others.profile_id is null
)
select
    kinds.item,
    (select count(*) from judged) as examined,
    '0' as expected,
    (count(*) filter (where kinds.is_wrong))::text as observed,
    coalesce((array_agg(judged.id order by judged.id) filter (where kinds.is_wrong))[1:5], array[]::text[]) as examples
from judged
cross join lateral (
    values
        ('evidence without its row', judged.is_missing),
        ('rows without evidence', judged.is_unfounded),
        ('rows of another status', not judged.is_missing and not judged.is_unfounded and judged.has_other_status),
        (
            'rows of another date',
            not judged.is_missing and not judged.is_unfounded and not judged.has_other_status and judged.has_other_date
        )
) as kinds (item, is_wrong)
group by kinds.item
order by kinds.item;
