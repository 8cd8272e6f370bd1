insert into backfill.deleted (table_name, id, successor, run_id, as_of, noticed_at)
select g.table_name, g.id, m.into_id, $1, $2::text::timestamptz, now()
from load_gone g
left join (
  select distinct on (r.profile_id)
    r.profile_id as id,
    a."customerId"::text as into_id
  from load_gone d
  join backfill.record r on r.profile_id = d.id
  join (
    values
      ('MCA_V1_ZA_ID', 'mca_za:members:'),
      ('MCA_V1_UK_ID', 'mca_uk:members:'),
      ('SCL_MEMBER_ID', 'scl:members:'),
      ('TEETIME_PLAYER_ID', 'teetime:players:'),
      ('MESSAGING_CONTACT_ID', 'messaging:contacts:')
    ) as k (alias_type, prefix) on starts_with(r.record_key, k.prefix)
  join "IdentityAlias" a on a."type"::text = k.alias_type and a."value" = substr(r.record_key, length(k.prefix) + 1)
  where d.table_name = 'CustomerProfile'
    and a."id"::text like 'bf11____-____-8___-____-____________'
  group by r.profile_id, a."customerId"
  order by r.profile_id, count(*) desc, a."customerId"::text) as m on g.table_name = 'CustomerProfile' and m.id = g.id
on conflict (table_name, id) do nothing;
