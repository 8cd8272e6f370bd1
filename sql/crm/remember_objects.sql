-- block: objects
with present as materialized (
  select
    c.relname::text as table_name,
    'index' as kind,
    i.relname::text as name,
    pg_get_indexdef(i.oid) as definition
  from pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indrelid
  join pg_catalog.pg_class i on i.oid = x.indexrelid
  where c.relnamespace = (select p.relnamespace from pg_catalog.pg_class p where p.oid = to_regclass('"CustomerProfile"'))
    and x.indisvalid
  union all
  select
    c.relname::text,
    'constraint',
    k.conname::text,
    pg_get_constraintdef(k.oid)
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid
  where c.relnamespace = (select p.relnamespace from pg_catalog.pg_class p where p.oid = to_regclass('"CustomerProfile"'))
    and k.contype in ('p', 'u', 'f', 'c', 'x')
  union all
  select
    c.relname::text,
    'column',
    a.attname::text,
    format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid
  where c.relnamespace = (select p.relnamespace from pg_catalog.pg_class p where p.oid = to_regclass('"CustomerProfile"'))
    and c.relkind in ('r', 'p')
    and a.attnum > 0
    and not a.attisdropped
-- end block
),
ours as (
  select p.table_name, p.kind, p.name, p.definition
  from present p
  where p.table_name in (
    'CustomerProfile', 'IdentityAlias', 'Activity', 'CustomerNote', 'CustomerSegment', 'CustomerSegmentMembership',
    'MarketingConsent', 'CampaignInteraction', 'AttributionEvent', 'SyncLog', 'DuplicateCandidate')
),
forgotten as (
  delete from backfill.object o
  where not exists (
    select
    from ours p
    where p.table_name = o.table_name and p.kind = o.kind and p.name = o.name)
  returning o.name
),
noted as (
  insert into backfill.object as o (table_name, kind, name, definition)
  select p.table_name, p.kind, p.name, p.definition
  from ours p
  on conflict (table_name, kind, name) do update
  set definition = excluded.definition
  where o.definition <> excluded.definition
  returning o.name
)
select (select count(*) from forgotten) + (select count(*) from noted) as changed;
