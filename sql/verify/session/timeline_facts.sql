-- What the scores look at, profile by profile, from one pass over the timeline up to as_of. Single values are asked for as
-- subqueries, not joined, so that the server may share the pass among its workers.
create temporary table timeline_facts as
with windows as materialized (
    select
        as_of,
        as_of - interval '30 days' as ago_30,
        as_of - interval '90 days' as ago_90,
        as_of - interval '180 days' as ago_180,
        as_of - interval '365 days' as ago_365,
        as_of - interval '455 days' as ago_455,
        is_engaged_only
    from lent__run
),
events as (
    select
        activities."customerId" as profile_id,
        activities."occurredAt" as at,
        activities."type" as kind,
        activities."category"::text = 'BOOKING' as is_booking,
        activities."occurredAt" >= (select ago_30 from windows) as is_last_30,
        activities."occurredAt" > (select ago_90 from windows) as is_this_quarter,
        activities."occurredAt" <= (select ago_90 from windows)
            and activities."occurredAt" > (select ago_180 from windows) as is_quarter_before,
        activities."occurredAt" <= (select ago_365 from windows)
            and activities."occurredAt" > (select ago_455 from windows) as is_year_ago,
        not (
            (select is_engaged_only from windows)
            and activities."type" in ('MESSAGE_QUEUED', 'MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_BOUNCED', 'MESSAGE_FAILED')
        ) as is_counted,
        activities."channel" = 'EMAIL' as is_email,
        activities."type" in (
            'MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_OPENED', 'MESSAGE_CLICKED', 'MESSAGE_UNSUBSCRIBED', 'MESSAGE_COMPLAINED'
        ) as is_delivered,
        activities."type" in ('MESSAGE_OPENED', 'MESSAGE_CLICKED') as is_open,
        case
            when activities."category"::text = 'BOOKING' then 1
            when activities."category"::text = 'MEMBERSHIP' then 2
            when activities."category"::text = 'PAYMENT' then 4
            when activities."type" in ('MESSAGE_RECEIVED', 'MESSAGE_OPENED', 'MESSAGE_CLICKED') then
                case activities."channel"
                    when 'EMAIL' then 8
                    when 'SMS' then 16
                    when 'PUSH' then 32
                    when 'WHATSAPP' then 64
                    when 'IN_PERSON' then 128
                end
        end as surface
    from our_activities as activities
    where activities."occurredAt" <= (select as_of from windows)
)
select
    profile_id::text as profile_id,
    max(at) as last_at,
    max(at) filter (where is_booking) as last_booking_at,
    count(*) filter (where is_booking and is_last_30) as bookings_last_30,
    max(at) filter (where is_email and is_open) as last_open_at,
    max(at) filter (where is_email and kind = 'MESSAGE_CLICKED') as last_click_at,
    min(at) filter (where is_counted) as counted_first_at,
    max(at) filter (where is_counted) as counted_last_at,
    count(*) filter (where is_counted and is_last_30) as counted_last_30,
    count(*) filter (where is_counted and is_this_quarter) as counted_this_quarter,
    count(*) filter (where is_counted and is_quarter_before) as counted_quarter_before,
    count(*) filter (where is_counted and is_year_ago) as counted_year_ago,
    -- One bit for each surface.
    length(replace((bit_or(surface) filter (where is_this_quarter))::bit(8)::text, '0', '')) as surfaces,
    count(*) filter (where is_this_quarter and is_delivered) as delivered,
    count(*) filter (where is_this_quarter and is_open) as opened,
    count(*) filter (where is_this_quarter and kind = 'MESSAGE_CLICKED') as clicked,
    count(*) filter (where is_email and is_delivered and is_this_quarter) as emails,
    count(*) filter (where is_email and is_open and is_this_quarter) as opens,
    count(*) filter (where is_email and is_delivered and is_quarter_before) as emails_before,
    count(*) filter (where is_email and is_open and is_quarter_before) as opens_before,
    count(*) filter (where is_email and is_open) as opens_ever,
    count(*) filter (where kind = 'PAYMENT_FAILED' and (is_this_quarter or is_quarter_before)) as failed_payments,
    count(*) filter (
        where kind in ('MESSAGE_COMPLAINED', 'SUPPORT_COMPLAINT', 'FEEDBACK_NEGATIVE') and (is_this_quarter or is_quarter_before)
    ) as complaints
from events
group by profile_id;
