with crm as (
  select c.oid, c.relname, c.relkind, c.relispartition
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1::text
    and c.relname = any (array[
      'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
      'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
),
parts as (
  select c.relname, c.oid, null::text as scope, c.relkind, false as is_part
  from crm c
  union all
  select c.relname, t.relid, pg_get_partition_constraintdef(t.relid), (select p.relkind from pg_class p where p.oid = t.relid), true
  from crm c
  cross join lateral pg_partition_tree(c.oid) as t
  where c.relkind = 'p'
    and t.relid <> c.oid
)
select
  p.relname::text as table_name,
  k.conname::text as constraint_name,
  pg_get_expr(k.conbin, k.conrelid) as expression,
  p.scope,
  case
    when exists (select from unnest(k.conkey) as n (number) where n.number > 0) and not 0 = any (k.conkey) then
      array(select a.attname::text from pg_attribute a where a.attrelid = p.oid and a.attnum = any (k.conkey) order by 1)
  end as columns
from parts p
join pg_constraint k on k.conrelid = p.oid and k.contype = 'c'
where (not p.is_part or k.coninhcount = 0)
  and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
union all
-- A row that fits no partition.
select
  p.relname::text,
  'partition',
  coalesce(
    string_agg('coalesce(' || coalesce(nullif(p.scope, ''), 'true') || ', false)', ' or ')
      filter (where p.is_part and p.relkind <> 'p'),
    'false'),
  null,
  null
from parts p
where exists (select from crm c where c.relname = p.relname and c.relkind = 'p')
group by p.relname
union all
select c.relname::text, 'partition', pg_get_partition_constraintdef(c.oid), null, null
from crm c
where c.relispartition
  and pg_get_partition_constraintdef(c.oid) is not null
order by 1, 2;
