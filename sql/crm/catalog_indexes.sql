select
  t.relname::text as table_name,
  i.relname::text as index_name,
  pg_get_indexdef(i.oid) as definition,
  k.conname::text as constraint_name,
  pg_get_constraintdef(k.oid) as constraint_definition,
  x.indisunique as is_unique,
  x.indisprimary as is_primary,
  x.indexprs is null and x.indpred is null as is_plain,
  exists (select from pg_constraint f where f.contype = 'f' and f.conindid = i.oid) as is_referenced,
  not x.indisreplident and not x.indisclustered and x.indisvalid and i.reltablespace = 0
    and obj_description(i.oid, 'pg_class') is null and (k.oid is null or obj_description(k.oid, 'pg_constraint') is null)
    as is_rebuildable,
  array(
    select a.attname::text
    from unnest(x.indkey::smallint[]) with ordinality as p (attnum, position)
    join pg_attribute a on a.attrelid = t.oid and a.attnum = p.attnum
    where p.position <= x.indnkeyatts
    order by p.position) as columns
from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_class t on t.oid = x.indrelid
join pg_namespace n on n.oid = t.relnamespace
left join pg_constraint k on k.conindid = i.oid and k.conrelid = t.oid and k.contype in ('p', 'u', 'x')
where n.nspname = current_schema()
  and t.relname = any (array[
    'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
    'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
order by t.relname, i.relname;
