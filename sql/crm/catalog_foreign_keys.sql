with crm as (
  select c.oid, c.relname, c.relkind
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1::text
    and c.relname = any (array[
      'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
      'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
),
parts as (
  select c.relname, c.oid, null::text as scope
  from crm c
  union all
  select c.relname, t.relid, pg_get_partition_constraintdef(t.relid)
  from crm c
  cross join lateral pg_partition_tree(c.oid) as t
  where c.relkind = 'p'
    and t.relid <> c.oid
)
select
  p.relname::text as table_name,
  p.scope,
  k.conname::text as constraint_name,
  array(
    select a.attname::text
    from unnest(k.conkey) with ordinality as n (number, place)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.number
    order by n.place) as columns,
  case when exists (select from crm where crm.oid = k.confrelid) then r.relname::text end as crm_table,
  quote_ident(n.nspname) || '.' || quote_ident(r.relname) as referenced,
  array(
    select a.attname::text
    from unnest(k.confkey) with ordinality as n (number, place)
    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n.number
    order by n.place) as referenced_columns,
  k.confmatchtype = 'f' as is_match_full,
  has_schema_privilege(n.oid, 'usage') and has_table_privilege(r.oid, 'select') and not row_security_active(r.oid) as is_readable
from parts p
join pg_constraint k on k.conrelid = p.oid and k.contype = 'f' and k.conparentid = 0
join pg_class r on r.oid = k.confrelid
join pg_namespace n on n.oid = r.relnamespace
where coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  -- The trigger of the key may be disabled for normal sessions.
  and not exists (
    select
    from pg_trigger t
    where t.tgconstraint = k.oid
      and t.tgrelid = k.conrelid
      and t.tgenabled in ('D', 'R'))
order by 1, 3;
