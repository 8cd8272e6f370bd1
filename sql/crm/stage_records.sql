create temp table load_record on commit drop as
select
  k.prefix || s."value" as record_key,
  min(s."customerId"::text) as profile_id
from staged_identity_aliases s
join (
  values
    ('MCA_V1_ZA_ID', 'mca_za:members:'),
    ('MCA_V1_UK_ID', 'mca_uk:members:'),
    ('SCL_MEMBER_ID', 'scl:members:'),
    ('TEETIME_PLAYER_ID', 'teetime:players:'),
    ('MESSAGING_CONTACT_ID', 'messaging:contacts:')
  ) as k (alias_type, prefix) on k.alias_type = s."type"::text
group by 1;
