select
  m.id::text as mca_uk_id,
  m.email::text as email,
  m.mobile::text as phone_number,
  m.forename::text as first_name,
  m.surname::text as last_name,
  m.dob::text as date_of_birth,
  m.gender::text as gender,
  m.cdh_id::text as cdh_id,
  m.created_at::text as created_at,
  m.updated_at::text as updated_at,
  m.status::text as status,
  home.club_id::text as home_club_id,
  m.handicap_index::text as handicap,
  c.name::text as home_club_name
from members m
left join (
  select distinct on (ms.member_id)
    ms.member_id,
    ms.club_id
  from memberships ms
  where lower(regexp_replace(ms.is_home::text, '[.]0+$|[^[:alnum:]]', '', 'g')) in (
    't', 'true', 'y', 'yes', 'on', '1', 'j', 'ja', 'w', 'wahr', 'oui', 'vrai', 'si', 'sim', 'waar', 'in',
    'optin', 'optedin', 'subscribed', 'granted', 'accepted', 'allowed', 'enabled', 'checked', 'yebo', 'ewe',
    'consented', 'agreed', 'agree', 'yep', 'subscribe', 'allow', '01'
  )
  order by
    ms.member_id,
    coalesce(left(ms.end_date::text, 10) collate "C" <= (coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now()) at time zone 'UTC')::date::text, false),
    ms.club_id
) home on home.member_id = m.id
left join clubs c on c.id = home.club_id
order by m.id;
