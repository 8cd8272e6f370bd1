select
  n.nspname = $1::text as is_in_schema,
  c.relname::text as table_name,
  quote_ident(n.nspname) || '.' || quote_ident(c.relname) as qualified,
  (select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum = k.conkey[1]) as column_name,
  k.conname::text as constraint_name,
  pg_get_constraintdef(k.oid) as definition,
  p.relname::text as referenced_table,
  cardinality(k.conkey) = 1 as is_single,
  cardinality(k.conkey) = 1
    and (select a.attname = 'id' from pg_attribute a where a.attrelid = p.oid and a.attnum = k.confkey[1]) as is_to_id,
  pg_has_role(c.relowner, 'USAGE') as is_owned,
  obj_description(k.oid, 'pg_constraint') is null
    and not exists (select from pg_trigger t where t.tgconstraint = k.oid and t.tgenabled <> 'O')
    and has_table_privilege(p.oid, 'references')
    and has_schema_privilege(n.oid, 'usage') as is_rebuildable,
  has_table_privilege(c.oid, 'select') as is_readable
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_class p on p.oid = k.confrelid
join pg_namespace pn on pn.oid = p.relnamespace
where k.contype = 'f'
  and k.conparentid = 0
  and pn.nspname = $1::text
  and p.relname = any (array[
    'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
    'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
order by qualified, k.conname;
