-- block: merges, as in sql/crm/find_merges.sql
with recursive gone as (
  select w.id
  from backfill.written w
  where w.table_name = 'CustomerProfile'
    and not exists (select from "CustomerProfile" t where t."id"::text = w.id)
),
moved as (
  select distinct on (r.profile_id)
    r.profile_id as id,
    a."customerId"::text as into_id
  from gone g
  join backfill.record r on r.profile_id = g.id
  join (
    values
      ('MCA_V1_ZA_ID', 'mca_za:members:'),
      ('MCA_V1_UK_ID', 'mca_uk:members:'),
      ('SCL_MEMBER_ID', 'scl:members:'),
      ('TEETIME_PLAYER_ID', 'teetime:players:'),
      ('MESSAGING_CONTACT_ID', 'messaging:contacts:')
    ) as k (alias_type, prefix) on starts_with(r.record_key, k.prefix)
  join "IdentityAlias" a on a."type"::text = k.alias_type and a."value" = substr(r.record_key, length(k.prefix) + 1)
  where a."id"::text like 'bf11____-____-8___-____-____________'
  group by r.profile_id, a."customerId"
  order by r.profile_id, count(*) desc, a."customerId"::text
),
gave_way as (
  select
    t."id"::text as id,
    t."mergedIntoId"::text as into_id,
    t."id"::text like 'bf11____-____-8___-____-____________'
      and not exists (
        select
        from backfill.merged m
        where m.id = t."id"::text
          and m.successor is not distinct from t."mergedIntoId"::text) as is_decided
  from "CustomerProfile" t
  where t."status"::text = 'MERGED'
    and t."mergedIntoId" is not null
  union all
  select m.id, m.into_id, true
  from moved m
  union all
  select d.id, d.successor, true
  from backfill.deleted d
  where d.table_name = 'CustomerProfile'
    and d.successor is not null
    and not exists (select from "CustomerProfile" t where t."id"::text = d.id)
),
trail as (
  select g.id, g.into_id, 1 as steps
  from gave_way g
  where g.is_decided
  union all
  select l.id, g.into_id, l.steps + 1
  from trail l
  join gave_way g on g.id = l.into_id
  where l.steps < 100
),
final as (
  select distinct on (l.id) l.id, l.into_id as survivor_id
  from trail l
  where not exists (select from gave_way g where g.id = l.into_id)
  order by l.id, l.steps
-- end block
),
members as (
  select f.survivor_id as group_id, f.id as profile_id
  from final f
  where f.survivor_id like 'bf11____-____-8___-____-____________'
  union
  select f.survivor_id, f.survivor_id
  from final f
  where f.survivor_id like 'bf11____-____-8___-____-____________'
),
decided as (
  select
    x.profile_id as a_profile_id,
    y.profile_id as b_profile_id,
    'MERGED' as kind,
    to_jsonb(t) ->> 'updatedBy' as decided_by,
    t."updatedAt" at time zone 'UTC' as decided_at
  from members x
  join members y on y.group_id = x.group_id and y.profile_id <> x.profile_id
  left join "CustomerProfile" t on t."id"::text = x.profile_id
  where x.profile_id <> x.group_id
  union all
  select
    d."profileAId"::text,
    d."profileBId"::text,
    'CONFIRMED',
    d."reviewedBy"::text,
    d."reviewedAt" at time zone 'UTC'
  from "DuplicateCandidate" d
  where d."status"::text in ('CONFIRMED', 'MERGED')
    and d."profileAId"::text like 'bf11____-____-8___-____-____________'
    and d."profileBId"::text like 'bf11____-____-8___-____-____________'
)
select distinct on (pair.a, pair.b)
  pair.a,
  pair.b,
  pair.kind,
  pair.gone_id,
  pair.kept_id,
  pair.decided_by,
  pair.decided_at
from (
  select
    least(x.record_key collate "C", y.record_key collate "C") as a,
    greatest(x.record_key collate "C", y.record_key collate "C") as b,
    d.kind,
    d.a_profile_id as gone_id,
    d.b_profile_id as kept_id,
    d.decided_by,
    d.decided_at
  from decided d
  join backfill.record x on x.profile_id = d.a_profile_id
  join backfill.record y on y.profile_id = d.b_profile_id
  where x.record_key <> y.record_key
  union all
  select
    s.a collate "C",
    s.b collate "C",
    s.kind,
    s.gone_id,
    s.kept_id,
    s.decided_by,
    s.decided_at
  from backfill.decision s
  where not exists (
      select
      from "CustomerProfile" t
      where s.kind = 'MERGED'
        and t."id"::text = s.gone_id
        and t."status"::text <> 'MERGED')
    and not exists (
      select
      from "DuplicateCandidate" d
      where s.kind = 'CONFIRMED'
        and d."status"::text = 'REJECTED'
        and d."profileAId"::text = s.gone_id
        and d."profileBId"::text = s.kept_id)
) as pair
order by pair.a, pair.b, pair.kind, pair.gone_id, pair.kept_id;
