select
  m.id::text as mca_za_id,
  m.email::text as email,
  m.phone::text as phone_number,
  m.first_name::text as first_name,
  m.last_name::text as last_name,
  m.date_of_birth::text as date_of_birth,
  m.gender::text as gender,
  m.golf_rsa_id::text as golf_rsa_id,
  m.created_at::text as created_at,
  m.updated_at::text as updated_at,
  m.status::text as status,
  home.club_id::text as home_club_id,
  latest.handicap_index::text as handicap,
  latest.effective_date::text as handicap_on,
  coalesce(later.handicap_count, 0)::text as later_handicap_count,
  c.name::text as home_club_name
from members m
left join (
  select distinct on (mc.member_id)
    mc.member_id,
    mc.club_id
  from member_clubs mc
  where lower(regexp_replace(mc.is_home_club::text, '[.]0+$|[^[:alnum:]]', '', 'g')) in (
    't', 'true', 'y', 'yes', 'on', '1', 'j', 'ja', 'w', 'wahr', 'oui', 'vrai', 'si', 'sim', 'waar', 'in',
    'optin', 'optedin', 'subscribed', 'granted', 'accepted', 'allowed', 'enabled', 'checked', 'yebo', 'ewe',
    'consented', 'agreed', 'agree', 'yep', 'subscribe', 'allow', '01'
  )
  order by
    mc.member_id,
    coalesce(left(mc.left_at::text, 10) collate "C" <= (coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now()) at time zone 'UTC')::date::text, false),
    mc.club_id
) home on home.member_id = m.id
left join clubs c on c.id = home.club_id
left join (
  select distinct on (h.member_id)
    h.member_id,
    h.handicap_index,
    h.effective_date
  from handicaps h
  where h.handicap_index is not null
    and left(h.effective_date::text, 10) collate "C" <= (coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now()) at time zone 'UTC')::date::text
  order by
    h.member_id,
    h.effective_date desc,
    h.id desc
) latest on latest.member_id = m.id
left join (
  select
    h.member_id,
    count(*) as handicap_count
  from handicaps h
  where h.handicap_index is not null
    and left(h.effective_date::text, 10) collate "C" > (coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now()) at time zone 'UTC')::date::text
  group by h.member_id
) later on later.member_id = m.id
order by m.id;
