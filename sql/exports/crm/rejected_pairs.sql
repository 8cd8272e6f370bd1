with records as (
  select
    p."id" as profile_id,
    k.prefix || a."value"::text as record_key,
    row_number() over (
      partition by p."id"
      order by
        k.service <> p."source"::text,
        k.position,
        a."value"::text !~ '^[0-9]+$',
        length(ltrim(a."value"::text, '0')),
        a."value"::text collate "C") as place
  from "IdentityAlias" a
  join "CustomerProfile" p on p."id" = a."customerId"
  join (
    values
      (1, 'MCA_V1_ZA_ID', 'mca_v1_za', 'mca_za:members:'),
      (2, 'MCA_V1_UK_ID', 'mca_v1_uk', 'mca_uk:members:'),
      (3, 'SCL_MEMBER_ID', 'scl', 'scl:members:'),
      (4, 'TEETIME_PLAYER_ID', 'teetime', 'teetime:players:'),
      (5, 'MESSAGING_CONTACT_ID', 'messaging', 'messaging:contacts:')
    ) as k (position, alias_type, service, prefix) on k.alias_type = a."type"::text
  where a."id"::text like 'bf11____-____-8___-____-____________'
    and p."id"::text like 'bf11____-____-8___-____-____________'
)
select distinct on (pair.a, pair.b)
  pair.a,
  pair.b,
  pair.reviewed_by,
  pair.reviewed_at
from (
  select
    least(x.record_key collate "C", y.record_key collate "C") as a,
    greatest(x.record_key collate "C", y.record_key collate "C") as b,
    d."reviewedBy"::text as reviewed_by,
    d."reviewedAt" at time zone 'UTC' as reviewed_at
  from "DuplicateCandidate" d
  join records x on x.profile_id = d."profileAId" and x.place = 1
  join records y on y.profile_id = d."profileBId" and y.place = 1
  where d."status"::text = 'REJECTED') as pair
order by pair.a, pair.b, pair.reviewed_at nulls last, pair.reviewed_by nulls last;
