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
  select c.relname, c.oid, null::text as scope, false as is_part
  from crm c
  union all
  -- Of a partition, only the indexes that its parent does not have.
  select c.relname, t.relid, pg_get_partition_constraintdef(t.relid), true
  from crm c
  cross join lateral pg_partition_tree(c.oid) as t
  where c.relkind = 'p'
    and t.relid <> c.oid
)
select
  p.relname::text as table_name,
  i.relname::text as index_name,
  pg_get_indexdef(i.oid) as definition,
  k.conname::text as constraint_name,
  pg_get_constraintdef(k.oid) as constraint_definition,
  x.indisunique as is_unique,
  x.indisprimary as is_primary,
  x.indisexclusion as is_exclusion,
  x.indexprs is null and x.indpred is null and not coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) as is_plain,
  coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) as joins_nulls,
  p.scope,
  pg_get_expr(x.indpred, x.indrelid) as predicate,
  array(
    select
      '(' || pg_get_indexdef(i.oid, u.place::int, false) || ')'
      || coalesce(
        (
          select ' collate ' || quote_ident(cn.nspname) || '.' || quote_ident(o.collname)
          from pg_collation o
          join pg_namespace cn on cn.oid = o.collnamespace
          where o.oid = u.collation_oid),
        '')
    from unnest(x.indcollation::oid[]) with ordinality as u (collation_oid, place)
    where u.place <= x.indnkeyatts
    order by u.place) as keys,
  case
    when not x.indisexclusion then true
    else coalesce((select bool_and(o.oprname = '=') from pg_operator o where o.oid = any (k.conexclop)), false)
  end as compares_equal,
  array(
    select distinct a.attname::text
    from pg_attribute a
    where a.attrelid = p.oid
      and a.attnum > 0
      and (
        a.attnum = any (x.indkey::smallint[])
        or exists (
          select
          from pg_depend d
          where d.classid = 'pg_class'::regclass
            and d.objid = i.oid
            and d.refclassid = 'pg_class'::regclass
            and d.refobjid = p.oid
            and d.refobjsubid = a.attnum))
    order by 1) as touched,
  exists (select from pg_constraint f where f.contype = 'f' and f.conindid = i.oid)
    -- Objects that depend on the index, such as a view that groups by the key: they would be dropped with it, or prevent it.
    or exists (
      select
      from pg_depend d
      where (d.refclassid = 'pg_constraint'::regclass and d.refobjid = k.oid and not (d.classid = 'pg_class'::regclass and d.objid = i.oid))
        or (d.refclassid = 'pg_class'::regclass and d.refobjid = i.oid)) as is_needed,
  case
    when x.indisreplident then 'it identifies rows in replication'
    when x.indisclustered then 'the table is clustered by it'
    when not x.indisvalid then 'it is not valid'
    when i.reltablespace <> 0 then 'it has a tablespace of its own'
    when obj_description(i.oid, 'pg_class') is not null or obj_description(k.oid, 'pg_constraint') is not null then 'it has a comment'
    when k.oid is not null and i.reloptions is not null then 'it has storage parameters'
    when exists (select from pg_attribute a where a.attrelid = i.oid and a.attstattarget is not null and a.attstattarget >= 0) then
      'it has a statistics target'
    when exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.oid and d.deptype in ('e', 'x')) then
      'it belongs to an extension'
    when exists (select from pg_trigger t where t.tgconstraint = k.oid and t.tgenabled <> 'O') then 'its triggers are not as usual'
  end as keep_reason,
  array(
    select a.attname::text
    from unnest(x.indkey::smallint[]) with ordinality as u (attnum, position)
    join pg_attribute a on a.attrelid = p.oid and a.attnum = u.attnum
    where u.position <= x.indnkeyatts
    order by u.position) as columns
from parts p
join pg_index x on x.indrelid = p.oid and x.indisready
join pg_class i on i.oid = x.indexrelid
left join pg_constraint k on k.conindid = i.oid and k.conrelid = p.oid and k.contype in ('p', 'u', 'x')
where not p.is_part
  or not i.relispartition
order by 1, 2;
