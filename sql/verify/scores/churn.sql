with events as (
    select
        a."customerId"::text as id,
        a."occurredAt" as at,
        a."type" as kind,
        not (run.is_engaged_only
            and a."type" in ('MESSAGE_QUEUED', 'MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_BOUNCED', 'MESSAGE_FAILED')) as counts,
        case
            when a."occurredAt" > run.as_of - interval '90 days' then 'this'
            when a."occurredAt" > run.as_of - interval '180 days' then 'before'
            when a."occurredAt" > run.as_of - interval '365 days' then 'between'
            when a."occurredAt" > run.as_of - interval '455 days' then 'year ago'
            else 'long ago'
        end as quarter,
        a."channel" = 'EMAIL'
            and a."type" in ('MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_OPENED', 'MESSAGE_CLICKED', 'MESSAGE_UNSUBSCRIBED', 'MESSAGE_COMPLAINED')
            as is_email,
        a."channel" = 'EMAIL' and a."type" in ('MESSAGE_OPENED', 'MESSAGE_CLICKED') as is_open
    from our_activities as a
    cross join lent__run as run
    where a."occurredAt" <= run.as_of
), facts as (
    select
        id,
        max(at) as last_at,
        max(at) filter (where counts) as counted_last_at,
        min(at) filter (where counts) as counted_first_at,
        count(*) filter (where counts and quarter = 'this') as r,
        count(*) filter (where counts and quarter = 'before') as q,
        count(*) filter (where counts and quarter = 'year ago') as y,
        count(*) filter (where is_email and quarter = 'this') as emails,
        count(*) filter (where is_open and quarter = 'this') as opens,
        count(*) filter (where is_email and quarter = 'before') as emails_before,
        count(*) filter (where is_open and quarter = 'before') as opens_before,
        count(*) filter (where is_open) as opens_ever,
        count(*) filter (where kind = 'PAYMENT_FAILED' and quarter in ('this', 'before')) as failed,
        count(*) filter (
            where kind in ('MESSAGE_COMPLAINED', 'SUPPORT_COMPLAINT', 'FEEDBACK_NEGATIVE') and quarter in ('this', 'before')
        ) as complaints
    from events
    group by id
), withdrawn as (
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
        coalesce(facts.r, 0) as r,
        coalesce(facts.q, 0) as q,
        case when facts.counted_first_at <= run.as_of - interval '455 days' then facts.y else 0 end as y,
        floor(extract(epoch from run.as_of - coalesce(facts.counted_last_at, cp."firstSeenAt")) / 86400) as silent_days,
        coalesce(facts.emails, 0) as emails,
        coalesce(facts.opens, 0) as opens,
        coalesce(facts.emails_before, 0) as emails_before,
        coalesce(facts.opens_before, 0) as opens_before,
        coalesce(facts.opens_ever, 0) as opens_ever,
        coalesce(facts.failed, 0) as failed,
        coalesce(facts.complaints, 0) as complaints,
        withdrawn.id is not null as has_withdrawn,
        regexp_replace(lower(cp."membershipStatus"), '[^a-z0-9]', '', 'g') as membership,
        'arrears' = any (cp."tags") as is_tagged,
        coalesce(cp."membershipExpiry" <= run.as_of, false) as is_expired
    from our_profiles as cp
    cross join lent__run as run
    left join facts on facts.id = cp."id"::text
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
