select count(*)
from pg_catalog.pg_class as tables
where tables.relkind in ('r', 'p')
    and pg_catalog.pg_table_is_visible(tables.oid)
    and tables.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    and pg_catalog.has_table_privilege(tables.oid, 'insert, update, delete, truncate');
