select
  c.relname::text as table_name,
  a.attname::text as column_name,
  pg_get_expr(d.adbin, d.adrelid) as default_value
from pg_catalog.pg_class c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = current_schema()::regnamespace
  and c.relkind in ('r', 'p')
order by c.relname, a.attnum;
