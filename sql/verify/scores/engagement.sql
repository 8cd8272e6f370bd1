with events as (
    select
        a."customerId"::text as id,
        a."occurredAt" as at,
        a."occurredAt" > run.as_of - interval '90 days' as is_recent,
        a."occurredAt" >= run.as_of - interval '30 days' as is_within_30_days,
        run.is_engaged_only and a."type" in ('MESSAGE_QUEUED', 'MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_BOUNCED', 'MESSAGE_FAILED')
            as is_left_out,
        a."type" in ('MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_OPENED', 'MESSAGE_CLICKED', 'MESSAGE_UNSUBSCRIBED', 'MESSAGE_COMPLAINED')
            as is_delivered,
        a."type" in ('MESSAGE_OPENED', 'MESSAGE_CLICKED') as is_opened,
        a."type" = 'MESSAGE_CLICKED' as is_clicked,
        case
            when a."category"::text in ('BOOKING', 'MEMBERSHIP', 'PAYMENT') then a."category"::text
            when a."type" in ('MESSAGE_RECEIVED', 'MESSAGE_OPENED', 'MESSAGE_CLICKED')
                and a."channel" in ('EMAIL', 'SMS', 'PUSH', 'WHATSAPP', 'IN_PERSON') then a."channel"
        end as surface
    from our_activities as a
    cross join lent__run as run
    where a."occurredAt" <= run.as_of
), facts as (
    select
        id,
        max(at) filter (where not is_left_out) as last_at,
        count(*) filter (where not is_left_out and is_within_30_days) as activities,
        count(distinct surface) filter (where is_recent) as surfaces,
        count(*) filter (where is_recent and is_delivered) as delivered,
        count(*) filter (where is_recent and is_opened) as opened,
        count(*) filter (where is_recent and is_clicked) as clicked
    from events
    group by id
), components as (
    select
        cp."id"::text as id,
        cp."engagementScore" as held,
        case
            when facts.last_at > run.as_of - interval '8 days' then 100
            when facts.last_at > run.as_of - interval '15 days' then 80
            when facts.last_at > run.as_of - interval '31 days' then 60
            when facts.last_at > run.as_of - interval '61 days' then 40
            when facts.last_at > run.as_of - interval '91 days' then 20
            else 0
        end as recency,
        case
            when facts.activities >= 20 then 100
            when facts.activities >= 10 then 80
            when facts.activities >= 5 then 60
            when facts.activities >= 2 then 40
            when facts.activities >= 1 then 20
            else 0
        end as frequency,
        least(coalesce(facts.surfaces, 0), 5) * 20 as breadth,
        case
            when coalesce(facts.delivered, 0) = 0 then 0
            when 100 * (facts.opened + 2 * facts.clicked) >= 80 * facts.delivered then 100
            when 100 * (facts.opened + 2 * facts.clicked) >= 50 * facts.delivered then 80
            when 100 * (facts.opened + 2 * facts.clicked) >= 30 * facts.delivered then 60
            when 100 * (facts.opened + 2 * facts.clicked) >= 15 * facts.delivered then 40
            when facts.opened + facts.clicked > 0 then 20
            else 0
        end as depth,
        -- Spend is never known. What was not measured weighs nothing where the weights are shared out.
        case
            when not run.is_renormalised then 100
            when coalesce(facts.delivered, 0) = 0 then 70
            else 80
        end as weights
    from our_profiles as cp
    cross join lent__run as run
    left join facts on facts.id = cp."id"::text
    where not cp.is_kept
), compared as (
    select
        id,
        held is distinct from round((30 * recency + 25 * frequency + 15 * breadth + 10 * depth)::numeric / weights)::integer as differs
    from components
)
select
    'engagement scores' as item,
    count(*) as examined,
    '0 differ' as expected,
    count(*) filter (where differs) || ' differ' as observed,
    coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) as examples
from compared;
