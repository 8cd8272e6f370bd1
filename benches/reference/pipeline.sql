-- The whole job as a straightforward pipeline of SQL over the same exports, for comparison only: emails and phones normalised by a
-- few rules, people linked by equal email, then by equal phone, as the strategy's findExistingProfile does; no ledger, no review, no
-- proof, no second run. Reads exports/<source>/raw_<source>__<entity>.parquet, writes one CSV file per table of the CRM.
-- DuckDB; the variable `as_of` is set by run.py, which replaces EXPORTS and OUT.

create macro email_of(raw) as
  nullif(case when trim(lower(raw)) like '%_@_%._%' then trim(lower(raw)) end, '');
create macro digits(raw) as regexp_replace(coalesce(raw, ''), '[^0-9+]', '', 'g');
create macro phone_of(raw, prefix) as
  case
    when length(digits(raw)) < 9 then null
    when digits(raw) like '+%' then digits(raw)
    when digits(raw) like '00%' then '+' || substr(digits(raw), 3)
    when digits(raw) like '0%' then prefix || substr(digits(raw), 2)
    when digits(raw) like substr(prefix, 2) || '%' then '+' || digits(raw)
    else prefix || digits(raw)
  end;
create macro id_of(kind, key) as (
  'bf11' || substr(md5(kind || '/' || key), 5, 4) || '-' || substr(md5(kind || '/' || key), 9, 4) || '-8' || substr(md5(kind || '/' || key), 14, 3)
  || '-9' || substr(md5(kind || '/' || key), 18, 3) || '-' || substr(md5(kind || '/' || key), 21, 12));
create macro instant(raw) as try_cast(raw as timestamp);

-- 1. People of every source in one shape.
create table people as
select
  1 as place, 'mca_za' as source, mca_za_id as source_id, 'za' as tenant_id, email_of(email) as email, phone_of(phone_number, '+27') as phone,
  first_name, last_name, try_cast(date_of_birth as date) as birth_date, upper(gender) as gender, status, home_club_id, home_club_name,
  try_cast(handicap as decimal(4, 1)) as handicap, instant(created_at) as created_at, instant(updated_at) as updated_at,
  null as subject, golf_rsa_id as association_id, null as tier, null as email_opt_in, null as sms_opt_in
from 'EXPORTS/mca_za/raw_mca_za__members.parquet'
union all
select
  2, 'mca_uk', mca_uk_id, 'uk', email_of(email), phone_of(phone_number, '+44'), first_name, last_name, try_cast(date_of_birth as date),
  upper(gender), status, home_club_id, home_club_name, try_cast(handicap as decimal(4, 1)), instant(created_at), instant(updated_at), null,
  cdh_id, null, null, null
from 'EXPORTS/mca_uk/raw_mca_uk__members.parquet'
union all
select
  3, 'scl', id, tenant_id, email_of(email), null, first_name, last_name, null, null, status, null, null, null, instant(created_at),
  instant(updated_at), case when external_subject like '%|%' then external_subject end, null, membership_tier, null, null
from 'EXPORTS/scl/raw_scl__members.parquet'
union all
select
  4, 'teetime', id, coalesce(home_club_tenant_id, club_tenant_id, 'za'), email_of(email), phone_of(phone, '+27'), name, surname, null, null, null,
  home_club_id, home_club_name, try_cast(handicap as decimal(4, 1)), instant(created_at), instant(updated_at), null, null, null, null, null
from 'EXPORTS/teetime/raw_teetime__players.parquet'
union all
select
  5, 'messaging', id, coalesce(tenant_id, 'za'), email_of(email), phone_of(phone_number, '+27'), null, null, null, null, null, null, null, null,
  instant(created_at), instant(updated_at), auth_user_id, null, null, email_opt_in, sms_opt_in
from 'EXPORTS/messaging/raw_messaging__contacts.parquet'
where deleted_at is null;

-- 2. Who is who: records of one email are one person; those without a known email go to the first person of their phone.
create table linked as
with keyed as (
  select p.*, row_number() over (order by place, source_id) as number
  from people p
  where email is not null or phone is not null
),
by_email as (
  select email, min(number) as person from keyed where email is not null group by email
),
by_phone as (
  select k.phone, min(coalesce(e.person, k.number)) as person
  from keyed k
  left join by_email e using (email)
  where k.phone is not null
  group by k.phone
)
select k.*, coalesce(case when e.person < k.number then e.person end, case when f.person < k.number then f.person end, k.number) as person
from keyed k
left join by_email e using (email)
left join by_phone f using (phone);
-- The person of a phone may itself belong to an earlier one.
update linked l set person = o.person from linked o where o.number = l.person and o.person <> l.person;
update linked l set person = o.person from linked o where o.number = l.person and o.person <> l.person;

create table ids as
select number, id_of('profile', source || ':' || source_id) as id from linked where number = person;
create table links as
select l.source, l.source_id, l.tenant_id, i.id, l.place, l.number from linked l join ids i on i.number = l.person;

-- 3. Activities.
create table activities as
select
  id_of('activity', 'teetime:' || b.id) as id, l.tenant_id, l.id as customer_id,
  case upper(b.status) when 'CANCELLED' then 'TEETIME_CANCELLED' when 'COMPLETED' then 'TEETIME_PLAYED' else 'TEETIME_BOOKED' end as type,
  'BOOKING' as category, null as channel, 'Tee time at ' || coalesce(b.course_name, 'a course') as title, 'teetime' as source_service,
  b.id as source_id, b.club_id, b.club_name, coalesce(instant(b.start_time), instant(b.created_at)) as occurred_at,
  json_object('players', b.player_count, 'courseId', b.course_id)::varchar as metadata
from 'EXPORTS/teetime/raw_teetime__bookings.parquet' b
join links l on l.source = 'teetime' and l.source_id = b.player_id
union all
select
  id_of('activity', 'messaging:' || m.id), l.tenant_id, l.id, 'MESSAGE_' || upper(coalesce(m.status, 'sent')), 'COMMUNICATION', upper(m.channel),
  coalesce(m.template_name, 'Message'), 'messaging', m.id, null, null, instant(m.created_at), json_object('templateId', m.template_id)::varchar
from 'EXPORTS/messaging/raw_messaging__messages.parquet' m
join links l on l.source = 'messaging' and l.source_id = m.contact_id
where instant(m.created_at) is not null
union all
select
  id_of('activity', 'consent:' || c.id), l.tenant_id, l.id, case when lower(c.consent_after) in ('true', 't', '1') then 'CONSENT_GIVEN' else 'CONSENT_WITHDRAWN' end,
  'CONSENT', upper(c.channel), 'Consent changed', 'messaging', 'consent:' || c.id, null, null, instant(c.created_at),
  json_object('source', c.source)::varchar
from 'EXPORTS/messaging/raw_messaging__consent_changes.parquet' c
join links l on l.source = 'messaging' and l.source_id = c.contact_id
where instant(c.created_at) is not null
union all
select
  id_of('activity', 'membership:' || m.id), l.tenant_id, l.id, 'MEMBERSHIP_JOINED', 'MEMBERSHIP', null, 'Joined ' || coalesce(m.club_name, 'a club'),
  'mca_v1_uk', m.id, m.club_id, m.club_name, try_cast(m.start_on as timestamp), null
from 'EXPORTS/mca_uk/raw_mca_uk__memberships.parquet' m
join links l on l.source = 'mca_uk' and l.source_id = m.member_id
where try_cast(m.start_on as timestamp) is not null
union all
select
  id_of('activity', 'handicap:' || h.id), l.tenant_id, l.id, 'HANDICAP_CHANGED', 'GOLF', null, 'Handicap ' || coalesce(h.handicap_index, 'withdrawn'), 'mca_v1_za', h.id,
  null, null, try_cast(h.effective_on as timestamp), json_object('handicap', h.handicap_index)::varchar
from 'EXPORTS/mca_za/raw_mca_za__handicaps.parquet' h
join links l on l.source = 'mca_za' and l.source_id = h.member_id
where try_cast(h.effective_on as timestamp) is not null;

-- 4. Consents: the latest word of log, preferences and flags on each channel.
create table consents as
with words as (
  select l.id as customer_id, l.tenant_id, c.channel, coalesce(c.scope, 'all') as scope, lower(c.consent_after) in ('true', 't', '1') as is_grant,
    instant(c.created_at) as said_at, 'CONSENT_LOG' as kind, c.id as key
  from 'EXPORTS/messaging/raw_messaging__consent_changes.parquet' c
  join links l on l.source = 'messaging' and l.source_id = c.contact_id
  union all
  select l.id, l.tenant_id, p.channel, coalesce(p.scope, 'all'), lower(p.opted_in) in ('true', 't', '1'), instant(p.updated_at), 'PREFERENCE', p.id
  from 'EXPORTS/messaging/raw_messaging__preferences.parquet' p
  join links l on l.source = 'messaging' and l.source_id = p.contact_id
  union all
  select l.id, l.tenant_id, f.channel, 'all', f.is_grant, f.said_at, 'CONTACT_FLAG', f.source_id
  from (
    select source_id, 'EMAIL' as channel, lower(email_opt_in) in ('true', 't', '1') as is_grant, updated_at as said_at from people where source = 'messaging'
    union all
    select source_id, 'SMS', lower(sms_opt_in) in ('true', 't', '1'), updated_at from people where source = 'messaging') f
  join links l on l.source = 'messaging' and l.source_id = f.source_id
)
select id_of('consent', customer_id || channel || scope) as id, tenant_id, customer_id, channel, scope, is_grant, said_at, kind, key
from (select *, upper(w.channel) as channel from (select * exclude (channel), upper(channel) as channel from words) w)
where channel in ('EMAIL', 'SMS', 'PUSH', 'WHATSAPP')
qualify row_number() over (partition by customer_id, channel, scope order by said_at desc nulls last, kind, key) = 1;

-- 5. Metrics and scores.
create table metrics as
select
  customer_id,
  count(*) filter (where occurred_at > $as_of::timestamp - interval 30 day) as activity_30,
  count(*) filter (where occurred_at > $as_of::timestamp - interval 90 day) as activity_90,
  count(*) filter (where category = 'BOOKING' and occurred_at > $as_of::timestamp - interval 30 day) as booking_30,
  count(*) filter (where category = 'BOOKING') as bookings,
  max(occurred_at) as last_at,
  max(occurred_at) filter (where category = 'BOOKING') as last_booking_at,
  max(occurred_at) filter (where type = 'MESSAGE_OPENED') as last_open_at,
  max(occurred_at) filter (where type = 'MESSAGE_CLICKED') as last_click_at
from activities
where occurred_at <= $as_of::timestamp
group by customer_id;

-- 6. Profiles: the first source that has a value wins.
create table profiles as
select
  i.id,
  first(l.tenant_id order by l.number) as tenant_id,
  first(l.subject order by l.number) filter (where l.subject is not null) as subject,
  first(l.email order by l.number) filter (where l.email is not null) as email,
  first(l.phone order by l.number) filter (where l.phone is not null) as phone,
  first(l.source_id order by l.number) filter (where l.source = 'scl') as scl_member_id,
  first(l.source_id order by l.number) filter (where l.source = 'teetime') as teetime_player_id,
  first(l.source_id order by l.number) filter (where l.source = 'messaging') as messaging_contact_id,
  first(l.source_id order by l.number) filter (where l.source = 'mca_za') as mca_za_id,
  first(l.source_id order by l.number) filter (where l.source = 'mca_uk') as mca_uk_id,
  first(l.association_id order by l.number) filter (where l.association_id is not null) as association_id,
  first(l.first_name order by l.number) filter (where l.first_name is not null) as first_name,
  first(l.last_name order by l.number) filter (where l.last_name is not null) as last_name,
  first(l.birth_date order by l.number) filter (where l.birth_date is not null) as birth_date,
  first(case l.gender when 'M' then 'MALE' when 'MALE' then 'MALE' when 'F' then 'FEMALE' when 'FEMALE' then 'FEMALE' end order by l.number)
    filter (where l.gender in ('M', 'F', 'MALE', 'FEMALE')) as gender,
  first(l.handicap order by l.number) filter (where l.handicap is not null) as handicap,
  first(l.home_club_id order by l.number) filter (where l.home_club_id is not null) as home_club_id,
  first(l.home_club_name order by l.number) filter (where l.home_club_name is not null) as home_club_name,
  first(l.tier order by l.number) filter (where l.tier is not null) as tier,
  first(l.source order by l.number) as source,
  coalesce(min(l.created_at), $as_of::timestamp) as first_seen_at
from linked l
join ids i on i.number = l.person
group by i.id;

-- 7. The CRM's tables as CSV.
copy (
  select
    p.id, p.tenant_id as "tenantId",
    case when row_number() over (partition by p.subject order by p.id) = 1 then p.subject end as "authUserId",
    p.email, p.phone as "phoneNumber", try_cast(p.scl_member_id as int) as "sclMemberId", p.teetime_player_id as "teetimePlayerId",
    p.messaging_contact_id as "messagingContactId",
    json_object('mcaV1ZaId', p.mca_za_id, 'mcaV1UkId', p.mca_uk_id, 'golfRsaId', p.association_id)::varchar as "externalIds",
    p.first_name as "firstName", p.last_name as "lastName", concat_ws(' ', p.first_name, p.last_name) as "displayName",
    p.birth_date as "dateOfBirth", coalesce(p.gender, 'UNKNOWN') as gender, 'ACTIVE' as status,
    case when p.scl_member_id is not null then 'MEMBER' when m.bookings > 0 then 'CUSTOMER' else 'LEAD' end as "lifecycleStage",
    '{}' as tags, p.handicap, p.home_club_id as "homeClubId", p.home_club_name as "homeClubName", p.tier as "membershipTier",
    coalesce(e.is_grant, false) as "emailOptIn", coalesce(s.is_grant, false) as "smsOptIn",
    least(100, coalesce(m.activity_30, 0) * 5 + coalesce(m.booking_30, 0) * 10) as "engagementScore",
    case when m.last_at is null then null else least(100, date_diff('day', m.last_at, $as_of::timestamp) // 4) end as "churnRiskScore",
    coalesce(m.activity_30, 0) as "activityCount30d", coalesce(m.activity_90, 0) as "activityCount90d",
    coalesce(m.booking_30, 0) as "bookingCount30d", coalesce(m.bookings, 0) as "bookingCountTotal", m.last_at as "lastActivityAt",
    m.last_booking_at as "lastBookingAt", m.last_open_at as "lastEmailOpenAt", m.last_click_at as "lastEmailClickAt", p.source,
    p.first_seen_at as "firstSeenAt", $as_of::timestamp as "createdAt", $as_of::timestamp as "updatedAt"
  from profiles p
  left join metrics m on m.customer_id = p.id
  left join consents e on e.customer_id = p.id and e.channel = 'EMAIL' and e.scope = 'all'
  left join consents s on s.customer_id = p.id and s.channel = 'SMS' and s.scope = 'all'
  order by p.id
) to 'OUT/CustomerProfile.csv' (header);
copy (
  select id_of('alias', customer_id || type || value) as id, tenant_id as "tenantId", customer_id as "customerId", type, value, source,
    true as "isPrimary", 100 as confidence
  from (
    select distinct on (l.id, a.type, a.value) l.id as customer_id, l.tenant_id, a.type, a.value, p.source
    from linked p
    join links l on l.source = p.source and l.source_id = p.source_id
    cross join lateral (
      values
        ('EMAIL', p.email), ('PHONE', p.phone), ('AUTH_USER_ID', p.subject),
        (case p.source when 'mca_za' then 'MCA_V1_ZA_ID' when 'mca_uk' then 'MCA_V1_UK_ID' when 'scl' then 'SCL_MEMBER_ID'
           when 'teetime' then 'TEETIME_PLAYER_ID' else 'MESSAGING_CONTACT_ID' end, p.source_id),
        (case p.source when 'mca_za' then 'GOLF_RSA_ID' else 'CDH_ID' end, p.association_id)) a (type, value)
    where a.value is not null) q
  order by customer_id
) to 'OUT/IdentityAlias.csv' (header);
copy (
  select id, tenant_id as "tenantId", customer_id as "customerId", channel, scope, case when is_grant then 'OPTED_IN' else 'OPTED_OUT' end as status,
    case when is_grant then said_at end as "consentedAt", case when not is_grant then said_at end as "revokedAt",
    json_object('kind', kind, 'key', key)::varchar as evidence, $as_of::timestamp as "updatedAt"
  from consents
  order by customer_id
) to 'OUT/MarketingConsent.csv' (header);
copy (
  select id, tenant_id as "tenantId", customer_id as "customerId", type, category, channel, title, source_service as "sourceService",
    source_id as "sourceId", club_id as "clubId", club_name as "clubName", occurred_at as "occurredAt", metadata
  from activities
  order by customer_id, occurred_at
) to 'OUT/Activity.csv' (header);
copy (
  select id_of('interaction', m.id) as id, l.tenant_id as "tenantId", m.campaign_id as "campaignId", l.id as "customerId", upper(m.channel) as channel,
    upper(coalesce(m.status, 'SENT')) as type, m.id as "messageId", instant(m.created_at) as "occurredAt"
  from 'EXPORTS/messaging/raw_messaging__messages.parquet' m
  join links l on l.source = 'messaging' and l.source_id = m.contact_id
  where m.campaign_id is not null and instant(m.created_at) is not null
  order by 4
) to 'OUT/CampaignInteraction.csv' (header);
