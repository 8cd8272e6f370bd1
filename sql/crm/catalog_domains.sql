with recursive steps (table_name, attname, type_oid) as (
  select c.relname, a.attname, a.atttypid
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where n.nspname = $1::text
    and c.relname = any (array[
      'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
      'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
  union all
  select s.table_name, s.attname, t.typbasetype
  from steps s
  join pg_type t on t.oid = s.type_oid and t.typtype = 'd'
)
select
  s.table_name::text as table_name,
  s.attname::text as column_name,
  format_type(t.oid, null) as domain_name,
  k.conname::text as constraint_name,
  pg_get_expr(k.conbin, 0) as expression
from steps s
join pg_type t on t.oid = s.type_oid and t.typtype = 'd'
join pg_constraint k on k.contypid = t.oid and k.contype = 'c'
order by s.table_name, s.attname, k.conname;
