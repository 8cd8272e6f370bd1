select
  c.relname::text as table_name,
  a.attname::text as column_name,
  format_type(a.atttypid, a.atttypmod) as type_name,
  b.typname::text as base_type,
  b.typtype::text as base_kind,
  case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as modifier,
  e.oid as element_oid,
  e.typname::text as element_type,
  e.typtype::text as element_kind,
  a.attnotnull or t.typnotnull as is_not_null,
  a.atthasdef or a.attidentity <> '' or t.typdefault is not null as has_default,
  a.attgenerated <> '' as is_generated,
  a.attidentity = 'a' as is_identity_always,
  pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname) is not null as has_sequence,
  array(select l.enumlabel::text from pg_enum l where l.enumtypid = b.oid order by l.enumsortorder) as labels
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
where n.nspname = current_schema()
  and c.relname = any (array[
    'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
    'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate'])
order by c.relname, a.attnum;
