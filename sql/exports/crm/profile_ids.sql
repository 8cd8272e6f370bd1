select distinct on (r.record_key)
  r.record_key,
  r.profile_id
from (
  select
    (case a."type"::text
      when 'MCA_V1_ZA_ID' then 'mca_za:members:'
      when 'MCA_V1_UK_ID' then 'mca_uk:members:'
      when 'SCL_MEMBER_ID' then 'scl:members:'
      when 'TEETIME_PLAYER_ID' then 'teetime:players:'
      when 'MESSAGING_CONTACT_ID' then 'messaging:contacts:'
    end || a."value") collate "C" as record_key,
    p."id"::text collate "C" as profile_id
  from "IdentityAlias" a
  join "CustomerProfile" p on p."id" = a."customerId"
  where a."id"::text like 'bf11____-____-8___-____-____________'
    and p."id"::text like 'bf11____-____-8___-____-____________'
    and p."status"::text <> 'MERGED') as r
where r.record_key is not null
order by r.record_key, r.profile_id;
