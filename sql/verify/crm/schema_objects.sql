-- block: objects, as in sql/crm/remember_objects.sql
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
compared as (
  select
    coalesce(o.kind, p.kind) as kind,
    coalesce(o.table_name, p.table_name) || '.' || coalesce(o.name, p.name) as id,
    o.name is null as is_new,
    p.name is null as is_gone,
    o.definition <> p.definition as is_other
  from backfill.object o
  full join (
    select *
    from present
    where table_name in (select table_name from backfill.object)
  ) p on p.table_name = o.table_name and p.kind = o.kind and p.name = o.name
)
select
  'schema_objects' as check_name,
  kinds.name || ' that the last load saw and that are gone or others' as item,
  count(c.kind) as examined,
  '0' as expected,
  (count(*) filter (where c.is_gone or c.is_other))::text as observed,
  coalesce((array_agg(c.id order by c.id) filter (where c.is_gone or c.is_other))[1:5], array[]::text[]) as examples
from (values ('column', 'columns'), ('constraint', 'constraints'), ('index', 'indexes')) kinds (kind, name)
left join compared c on c.kind = kinds.kind
group by kinds.name
union all
select
  'touched_rows',
  'indexes, constraints and columns that were made since the last load',
  count(*),
  '0',
  (count(*) filter (where is_new))::text,
  coalesce((array_agg(id order by id) filter (where is_new))[1:5], array[]::text[])
from compared
order by 1, 2;
