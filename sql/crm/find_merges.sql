create temp table load_merges on commit drop as
-- block: merges
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
)
select f.id, f.survivor_id
from final f
join "CustomerProfile" t on t."id"::text = f.survivor_id;
