create temp table load_record on commit drop as
select
  k.prefix || s.value as record_key,
  min(s.profile_id) as profile_id
from (
  select a."type"::text as alias_type, a."value" as value, a."customerId"::text as profile_id
  from staged_identity_aliases a
  union all
  -- What is equal is not staged.
  select t."type"::text, t."value", t."customerId"::text
  from "IdentityAlias" t
  where t."id"::text like 'bf11____-____-8___-____-____________'
    and not exists (select from load_question q where q.table_name = 'IdentityAlias' and q.id = t."id"::text)) as s
join (
  values
    ('MCA_V1_ZA_ID', 'mca_za:members:'),
    ('MCA_V1_UK_ID', 'mca_uk:members:'),
    ('SCL_MEMBER_ID', 'scl:members:'),
    ('TEETIME_PLAYER_ID', 'teetime:players:'),
    ('MESSAGING_CONTACT_ID', 'messaging:contacts:')
  ) as k (alias_type, prefix) on k.alias_type = s.alias_type
group by 1;
