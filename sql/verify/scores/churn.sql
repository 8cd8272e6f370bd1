with withdrawn as (
    select distinct mc."customerId"::text as id
    from our_consents as mc
    cross join lent__run as run
    where mc."channel"::text = 'EMAIL'
        and mc."status"::text = 'OPTED_OUT'
        and mc."revokedAt" > run.as_of - interval '90 days'
        and mc."revokedAt" <= run.as_of
), people as (
    select
        cp."id"::text as id,
        cp."churnRiskScore" as held,
        facts.last_at is null
            and cp."membershipStatus" is null
            and cp."membershipTier" is null
            and cp."memberSince" is null
            and cp."firstSeenAt" > run.as_of - interval '30 days' as is_unknown,
        coalesce(facts.counted_this_quarter, 0) as r,
        coalesce(facts.counted_quarter_before, 0) as q,
        case when facts.counted_first_at <= run.as_of - interval '455 days' then facts.counted_year_ago else 0 end as y,
        floor(extract(epoch from run.as_of - coalesce(facts.counted_last_at, cp."firstSeenAt")) / 86400) as silent_days,
        coalesce(facts.emails, 0) as emails,
        coalesce(facts.opens, 0) as opens,
        coalesce(facts.emails_before, 0) as emails_before,
        coalesce(facts.opens_before, 0) as opens_before,
        coalesce(facts.opens_ever, 0) as opens_ever,
        coalesce(facts.failed_payments, 0) as failed,
        coalesce(facts.complaints, 0) as complaints,
        withdrawn.id is not null as has_withdrawn,
        regexp_replace(lower(cp."membershipStatus" collate "C"), '[^a-z0-9]', '', 'g') as membership,
        'arrears' = any (cp."tags") as is_tagged,
        coalesce(cp."membershipExpiry" <= run.as_of, false) as is_expired
    from our_profiles as cp
    cross join lent__run as run
    left join timeline_facts as facts on facts.profile_id = cp."id"::text
    left join withdrawn on withdrawn.id = cp."id"::text
    where not cp.is_kept
        and cp."id"::text not in (select mc."customerId"::text from our_consents as mc where mc.is_kept)
), losses as (
    select
        people.*,
        case
            when q < 3 then null
            when r >= q then 0
            when 100 * (q - r) < 25 * q then 20
            when 100 * (q - r) < 50 * q then 40
            when 100 * (q - r) < 75 * q then 80
            else 100
        end as against_before,
        case
            when y < 3 then null
            when r >= y then 0
            when 100 * (y - r) < 25 * y then 20
            when 100 * (y - r) < 50 * y then 40
            when 100 * (y - r) < 75 * y then 80
            else 100
        end as against_last_year
    from people
), factors as (
    select
        id,
        held,
        is_unknown,
        coalesce(
            least(against_before, against_last_year),
            case
                when silent_days <= 30 then 0
                when silent_days <= 60 then 20
                when silent_days <= 90 then 40
                when silent_days <= 180 then 60
                when silent_days <= 365 then 80
                else 100
            end
        ) as decline,
        greatest(
            (array[0, 40, 80, 100])[least(failed, 3)::integer + 1],
            case when is_tagged or membership in ('overdue', 'arrears', 'owing', 'unpaid', 'grace') then 80 else 0 end
        ) as payment,
        greatest(
            case when has_withdrawn then 60 else 0 end,
            case
                when emails < 3 then 0
                when opens_before > 0 and opens = 0 then 100
                when opens_before > 0 and 2 * opens * emails_before <= opens_before * emails then 60
                when opens_ever = 0 and emails >= 5 then 40
                else 0
            end
        ) as email,
        case when is_expired or membership in ('lapsed', 'resigned', 'expired') then 100 else 0 end as tier,
        (array[0, 60, 100])[least(complaints, 2)::integer + 1] as complaint
    from losses
), compared as (
    select
        id,
        held is distinct from
            case when not is_unknown then (35 * decline + 25 * payment + 20 * email + 10 * tier + 10 * complaint) / 100 end as differs
    from factors
)
select
    'churn risk scores' as item,
    count(*) as examined,
    '0 differ' as expected,
    count(*) filter (where differs) || ' differ' as observed,
    coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) as examples
from compared;
