with recursive columns as (
  select
    c.oid as table_oid,
    n.nspname as schema_name,
    c.relname as table_name,
    a.attnum,
    a.attname,
    a.atttypid,
    a.atttypmod,
    a.attnotnull,
    a.attidentity,
    a.attgenerated,
    a.attcollation,
    pg_get_expr(d.adbin, d.adrelid) as expression
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where n.nspname = $1::text
    and c.relname = any (array[
      'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
      'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
),
-- A domain may be based on another domain. The last step is the base type, which determines the wire format.
steps (table_oid, attnum, depth, type_oid, modifier, is_not_null, default_text) as (
  select table_oid, attnum, 0, atttypid, atttypmod, false, null::text collate "C"
  from columns
  union all
  select s.table_oid, s.attnum, s.depth + 1, t.typbasetype, t.typtypmod, s.is_not_null or t.typnotnull, coalesce(s.default_text, t.typdefault)
  from steps s
  join pg_type t on t.oid = s.type_oid and t.typtype = 'd'
),
bases as (
  select distinct on (table_oid, attnum) *
  from steps
  order by table_oid, attnum, depth desc
)
select
  c.table_name::text as table_name,
  c.attname::text as column_name,
  format_type(c.atttypid, c.atttypmod) as type_name,
  format_type(s.type_oid, s.modifier) as base_name,
  b.typname::text as base_type,
  b.typtype::text as base_kind,
  r.prosrc as receive_function,
  s.modifier,
  e.oid as element_oid,
  e.typtype::text as element_kind,
  er.prosrc as element_function,
  c.attnotnull or s.is_not_null as is_not_null,
  c.attgenerated = '' and (c.expression is not null or s.default_text is not null) or c.attidentity <> '' as has_default,
  case when c.attgenerated = '' then coalesce(c.expression, s.default_text) end as default_expression,
  case when c.attgenerated <> '' then c.expression end as generated_expression,
  c.attidentity = 'a' as is_identity_always,
  q.sequence is not null as has_sequence,
  q.sequence is null or c.attidentity <> '' or has_sequence_privilege(q.sequence, 'usage, update') as may_use_sequence,
  (
    select quote_ident(cn.nspname) || '.' || quote_ident(o.collname)
    from pg_collation o
    join pg_namespace cn on cn.oid = o.collnamespace
    where o.oid = c.attcollation) as collation_name,
  array(
    select l.enumlabel::text
    from pg_enum l
    where l.enumtypid = case when e.typtype = 'e' then e.oid else b.oid end
    order by l.enumsortorder) as labels
from columns c
join bases s on s.table_oid = c.table_oid and s.attnum = c.attnum
join pg_type b on b.oid = s.type_oid
left join pg_proc r on r.oid = b.typreceive
left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
left join pg_proc er on er.oid = e.typreceive
cross join lateral (
  select pg_get_serial_sequence(quote_ident(c.schema_name) || '.' || quote_ident(c.table_name), c.attname) as sequence) as q
order by c.table_name, c.attnum;
