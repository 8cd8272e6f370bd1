insert into backfill.record (record_key, profile_id)
select
  k.prefix || a."value",
  min(a."customerId"::text)
from "IdentityAlias" a
join (
  values
    ('MCA_V1_ZA_ID', 'mca_za:members:'),
    ('MCA_V1_UK_ID', 'mca_uk:members:'),
    ('SCL_MEMBER_ID', 'scl:members:'),
    ('TEETIME_PLAYER_ID', 'teetime:players:'),
    ('MESSAGING_CONTACT_ID', 'messaging:contacts:')
  ) as k (alias_type, prefix) on k.alias_type = a."type"::text
group by 1;
