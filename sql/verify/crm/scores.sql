-- Metrics, engagement and churn of all our profiles, computed a second time from the CRM's rows in one pass over the timeline. Settings of
-- the session: backfill.as_of, what counts as activity, the weight of missing components, and the excluded profiles (backfill.apart: kept
-- as another writer changed them, or with foreign activities). `offset 0` makes the planner compute each expression once per row; without
-- it every use of a column repeats its expression, which takes twice the time.
with run as materialized (
  select
    s.as_of,
    s.as_of - interval '30 days' as ago_30,
    s.as_of - interval '90 days' as ago_90,
    s.as_of - interval '180 days' as ago_180,
    s.as_of - interval '365 days' as ago_365,
    s.as_of - interval '455 days' as ago_455,
    current_setting('backfill.engaged_only')::boolean as is_engaged_only,
    current_setting('backfill.renormalised')::boolean as is_renormalised
  from (select (current_setting('backfill.as_of')::timestamptz at time zone 'UTC') as as_of) s
),
apart as materialized (
  select unnest(coalesce(nullif(current_setting('backfill.apart', true), ''), '{}')::text[]) as id
),
events as (
  select
    a."customerId" as profile_id,
    a."occurredAt"::timestamp as at,
    a."type"::text as kind,
    a."category"::text as category,
    a."category"::text = 'BOOKING' as is_booking,
    a."channel"::text as channel
  from "Activity" a
),
marked as (
  select
    e.*,
    e.at <= (select as_of from run) as is_past,
    e.at >= (select ago_30 from run) as is_last_30,
    e.at > (select ago_90 from run) as is_this_quarter,
    e.at >= (select ago_90 from run) as is_last_90,
    e.at <= (select ago_90 from run) and e.at > (select ago_180 from run) as is_quarter_before,
    e.at <= (select ago_365 from run) and e.at > (select ago_455 from run) as is_year_ago,
    not (
      (select is_engaged_only from run)
      and e.kind in ('MESSAGE_QUEUED', 'MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_BOUNCED', 'MESSAGE_FAILED')
    ) as is_counted,
    e.channel = 'EMAIL' as is_email,
    e.kind in (
      'MESSAGE_SENT', 'MESSAGE_DELIVERED', 'MESSAGE_OPENED', 'MESSAGE_CLICKED', 'MESSAGE_UNSUBSCRIBED', 'MESSAGE_COMPLAINED'
    ) as is_delivered,
    e.kind in ('MESSAGE_OPENED', 'MESSAGE_CLICKED') as is_open,
    case
      when e.is_booking then 1
      when e.category = 'MEMBERSHIP' then 2
      when e.category = 'PAYMENT' then 4
      when e.kind in ('MESSAGE_RECEIVED', 'MESSAGE_OPENED', 'MESSAGE_CLICKED') then
        case e.channel
          when 'EMAIL' then 8
          when 'SMS' then 16
          when 'PUSH' then 32
          when 'WHATSAPP' then 64
          when 'IN_PERSON' then 128
        end
    end as surface
  from events e
  offset 0
),
facts as (
  select
    m.profile_id,
    -- The strategy's metrics, as its UPDATE statement counts them.
    count(*) filter (where m.is_last_30) as count_30d,
    count(*) filter (where m.is_last_90) as count_90d,
    count(*) filter (where not m.is_past) as later_count,
    max(m.at) as last_at,
    count(*) filter (where m.is_booking) as bookings,
    -- Activities up to as_of.
    max(m.at) filter (where m.is_past) as last_past_at,
    max(m.at) filter (where m.is_past and m.is_booking) as last_booking_at,
    count(*) filter (where m.is_past and m.is_booking and m.is_last_30) as bookings_last_30,
    max(m.at) filter (where m.is_past and m.is_email and m.is_open) as last_open_at,
    max(m.at) filter (where m.is_past and m.is_email and m.kind = 'MESSAGE_CLICKED') as last_click_at,
    min(m.at) filter (where m.is_past and m.is_counted) as counted_first_at,
    max(m.at) filter (where m.is_past and m.is_counted) as counted_last_at,
    count(*) filter (where m.is_past and m.is_counted and m.is_last_30) as counted_last_30,
    count(*) filter (where m.is_past and m.is_counted and m.is_this_quarter) as counted_this_quarter,
    count(*) filter (where m.is_counted and m.is_quarter_before) as counted_quarter_before,
    count(*) filter (where m.is_counted and m.is_year_ago) as counted_year_ago,
    -- One bit for each surface.
    length(replace((bit_or(m.surface) filter (where m.is_past and m.is_this_quarter))::bit(8)::text, '0', '')) as surfaces,
    count(*) filter (where m.is_past and m.is_this_quarter and m.is_delivered) as delivered,
    count(*) filter (where m.is_past and m.is_this_quarter and m.is_open) as opened,
    count(*) filter (where m.is_past and m.is_this_quarter and m.kind = 'MESSAGE_CLICKED') as clicked,
    count(*) filter (where m.is_past and m.is_email and m.is_delivered and m.is_this_quarter) as emails,
    count(*) filter (where m.is_past and m.is_email and m.is_open and m.is_this_quarter) as opens,
    count(*) filter (where m.is_email and m.is_delivered and m.is_quarter_before) as emails_before,
    count(*) filter (where m.is_email and m.is_open and m.is_quarter_before) as opens_before,
    count(*) filter (where m.is_past and m.is_email and m.is_open) as opens_ever,
    count(*) filter (where m.is_past and m.kind = 'PAYMENT_FAILED' and (m.is_this_quarter or m.is_quarter_before)) as failed_payments,
    count(*) filter (
      where m.is_past
        and m.kind in ('MESSAGE_COMPLAINED', 'SUPPORT_COMPLAINT', 'FEEDBACK_NEGATIVE')
        and (m.is_this_quarter or m.is_quarter_before)
    ) as complaints
  from marked m
  group by m.profile_id
),
withdrawn as (
  select distinct mc."customerId" as id
  from "MarketingConsent" mc
  where mc."id"::text like 'bf11____-____-8___-____-____________'
    and mc."channel"::text = 'EMAIL'
    and mc."status"::text = 'OPTED_OUT'
    and mc."revokedAt"::timestamp > (select ago_90 from run)
    and mc."revokedAt"::timestamp <= (select as_of from run)
),
people as (
  select
    cp.*,
    f.count_30d,
    f.count_90d,
    coalesce(f.later_count, 0) as later_count,
    f.last_at,
    coalesce(f.bookings, 0) as bookings,
    f.last_past_at,
    f.last_booking_at,
    coalesce(f.bookings_last_30, 0) as bookings_last_30,
    f.last_open_at,
    f.last_click_at,
    f.counted_first_at,
    f.counted_last_at,
    f.counted_last_30,
    f.surfaces,
    coalesce(f.delivered, 0) as delivered,
    f.opened,
    f.clicked,
    coalesce(f.counted_this_quarter, 0) as r,
    coalesce(f.counted_quarter_before, 0) as q,
    case when f.counted_first_at <= run.ago_455 then f.counted_year_ago else 0 end as y,
    coalesce(f.emails, 0) as emails,
    coalesce(f.opens, 0) as opens,
    coalesce(f.emails_before, 0) as emails_before,
    coalesce(f.opens_before, 0) as opens_before,
    coalesce(f.opens_ever, 0) as opens_ever,
    coalesce(f.failed_payments, 0) as failed,
    coalesce(f.complaints, 0) as complaints,
    w.id is not null as has_withdrawn,
    run.as_of,
    run.ago_30,
    run.is_renormalised
  from "CustomerProfile" cp
  cross join run
  left join facts f on f.profile_id = cp."id"
  left join withdrawn w on w.id = cp."id"
  left join apart on apart.id = cp."id"::text
  where cp."id"::text like 'bf11____-____-8___-____-____________'
    and cp."status"::text <> 'MERGED'
    and apart.id is null
),
components as (
  select
    p.*,
    case
      when p.counted_last_at > p.as_of - interval '8 days' then 100
      when p.counted_last_at > p.as_of - interval '15 days' then 80
      when p.counted_last_at > p.as_of - interval '31 days' then 60
      when p.counted_last_at > p.as_of - interval '61 days' then 40
      when p.counted_last_at > p.as_of - interval '91 days' then 20
      else 0
    end as recency,
    case
      when p.counted_last_30 >= 20 then 100
      when p.counted_last_30 >= 10 then 80
      when p.counted_last_30 >= 5 then 60
      when p.counted_last_30 >= 2 then 40
      when p.counted_last_30 >= 1 then 20
      else 0
    end as frequency,
    least(coalesce(p.surfaces, 0), 5) * 20 as breadth,
    case
      when p.delivered = 0 then 0
      when 100 * (p.opened + 2 * p.clicked) >= 80 * p.delivered then 100
      when 100 * (p.opened + 2 * p.clicked) >= 50 * p.delivered then 80
      when 100 * (p.opened + 2 * p.clicked) >= 30 * p.delivered then 60
      when 100 * (p.opened + 2 * p.clicked) >= 15 * p.delivered then 40
      when p.opened + p.clicked > 0 then 20
      else 0
    end as depth,
    -- Spend is never known. If weights are redistributed, a missing component has weight 0.
    case
      when not p.is_renormalised then 100
      when p.delivered = 0 then 70
      else 80
    end as weights,
    case
      when p.q < 3 then null
      when p.r >= p.q then 0
      when 100 * (p.q - p.r) < 25 * p.q then 20
      when 100 * (p.q - p.r) < 50 * p.q then 40
      when 100 * (p.q - p.r) < 75 * p.q then 80
      else 100
    end as against_before,
    case
      when p.y < 3 then null
      when p.r >= p.y then 0
      when 100 * (p.y - p.r) < 25 * p.y then 20
      when 100 * (p.y - p.r) < 50 * p.y then 40
      when 100 * (p.y - p.r) < 75 * p.y then 80
      else 100
    end as against_last_year,
    floor(extract(epoch from p.as_of - coalesce(p.counted_last_at, p."firstSeenAt"::timestamp)) / 86400) as silent_days,
    regexp_replace(lower(p."membershipStatus"::text collate "C"), '[^a-z0-9]', '', 'g') as membership
  from people p
  offset 0
),
factors as (
  select
    c.*,
    coalesce(
      least(c.against_before, c.against_last_year),
      case
        when c.silent_days <= 30 then 0
        when c.silent_days <= 60 then 20
        when c.silent_days <= 90 then 40
        when c.silent_days <= 180 then 60
        when c.silent_days <= 365 then 80
        else 100
      end
    ) as decline,
    greatest(
      (array[0, 40, 80, 100])[least(c.failed, 3)::integer + 1],
      case
        when 'arrears' = any (c."tags"::text[]) or c.membership in ('overdue', 'arrears', 'owing', 'unpaid', 'grace') then 80
        else 0
      end
    ) as payment,
    greatest(
      case when c.has_withdrawn then 60 else 0 end,
      case
        when c.emails < 3 then 0
        when c.opens_before > 0 and c.opens = 0 then 100
        when c.opens_before > 0 and 2 * c.opens * c.emails_before <= c.opens_before * c.emails then 60
        when c.opens_ever = 0 and c.emails >= 5 then 40
        else 0
      end
    ) as email_drop,
    case
      when coalesce(c."membershipExpiry" <= c.as_of, false) or c.membership in ('lapsed', 'resigned', 'expired') then 100
      else 0
    end as tier_drop,
    (array[0, 60, 100])[least(c.complaints, 2)::integer + 1] as complaint,
    c.last_past_at is null
      and c."membershipStatus" is null
      and c."membershipTier" is null
      and c."memberSince" is null
      and c."firstSeenAt"::timestamp > c.ago_30 as is_unknown
  from components c
  offset 0
),
judged as (
  select
    f."id"::text as id,
    f.later_count > 0 as has_later,
    f."activityCount30d" <> coalesce(f.count_30d, 0) - f.later_count
      or f."activityCount90d" <> coalesce(f.count_90d, 0) - f.later_count
      or f."bookingCountTotal" <> f.bookings
      or f."lastActivityAt"::timestamp is distinct from f.last_past_at as has_other_metrics,
    f."activityCount30d" <> coalesce(f.count_30d, 0)
      or f."activityCount90d" <> coalesce(f.count_90d, 0)
      or f."bookingCountTotal" <> f.bookings
      or f."lastActivityAt"::timestamp is distinct from f.last_at as would_change,
    f."bookingCount30d" <> f.bookings_last_30
      or f."lastBookingAt"::timestamp is distinct from f.last_booking_at
      or f."lastEmailOpenAt"::timestamp is distinct from f.last_open_at
      or f."lastEmailClickAt"::timestamp is distinct from f.last_click_at as has_other_dates,
    f."engagementScore" is distinct from
      round((30 * f.recency + 25 * f.frequency + 15 * f.breadth + 10 * f.depth)::numeric / f.weights)::integer as has_other_engagement,
    f."churnRiskScore" is distinct from
      case
        when not f.is_unknown then
          (35 * f.decline + 25 * f.payment + 20 * f.email_drop + 10 * f.tier_drop + 10 * f.complaint) / 100
      end as has_other_churn
  from factors f
  offset 0
),
counted as (
  select
    count(*) as examined,
    count(*) filter (where has_other_engagement) as engagement,
    array_agg(id) filter (where has_other_engagement) as engagement_ids,
    count(*) filter (where has_other_churn) as churn,
    array_agg(id) filter (where has_other_churn) as churn_ids,
    count(*) filter (where has_other_metrics) as metrics,
    array_agg(id) filter (where has_other_metrics) as metrics_ids,
    count(*) filter (where has_other_dates) as dates,
    array_agg(id) filter (where has_other_dates) as dates_ids,
    count(*) filter (where has_later) as later,
    count(*) filter (where would_change) as changed
  from judged
)
select
  c.check_name,
  c.item,
  counted.examined,
  '0 differ' as expected,
  c.differing || ' differ' as observed,
  array(select id from unnest(c.ids) as id order by id limit 5) as examples
from counted
cross join lateral (
  values
    ('engagement', 'engagement scores', counted.engagement, counted.engagement_ids),
    ('churn', 'churn risk scores', counted.churn, counted.churn_ids),
    (
      'strategy_metrics',
      'metrics that the strategy''s UPDATE would give, nothing after as_of counted',
      counted.metrics,
      counted.metrics_ids
    ),
    ('activity_dates', 'bookings in 30 days, latest booking, latest open and click', counted.dates, counted.dates_ids)
) c (check_name, item, differing, ids)
union all
select
  'strategy_metrics',
  'profiles that the UPDATE as written would change, each by a date after as_of',
  later,
  later || ' profiles',
  changed || ' profiles',
  array[]::text[]
from counted
order by 1, 2;
