with recursive trail as (
  select
    t."id"::text as profile_id,
    t."mergedIntoId"::text as next_id,
    1 as steps
  from "CustomerProfile" t
  where t."id"::text like 'bf11____-____-8___-____-____________'
    and t."status"::text = 'MERGED'
    and t."mergedIntoId" is not null
  union all
  select
    l.profile_id,
    t."mergedIntoId"::text,
    l.steps + 1
  from trail l
  join "CustomerProfile" t on t."id"::text = l.next_id
  where t."status"::text = 'MERGED'
    and t."mergedIntoId" is not null
    and l.steps < 100
),
survivors as (
  select distinct on (l.profile_id)
    l.profile_id,
    l.next_id as survivor_id
  from trail l
  order by l.profile_id, l.steps desc
)
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
    end || a."value"::text) collate "C" as record_key,
    p."id"::text collate "C" as profile_id
  from "IdentityAlias" a
  left join survivors f on f.profile_id = a."customerId"::text
  join "CustomerProfile" p on p."id"::text = coalesce(f.survivor_id, a."customerId"::text)
  where a."id"::text like 'bf11____-____-8___-____-____________'
    and p."id"::text like 'bf11____-____-8___-____-____________'
    and p."status"::text <> 'MERGED') as r
where r.record_key is not null
order by r.record_key, r.profile_id;
