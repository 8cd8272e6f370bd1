select
  current_database()::text as database_name,
  current_user::text as role_name,
  $1::text as schema_name,
  current_setting('server_version_num')::int as version,
  current_setting('server_encoding') as encoding,
  pg_is_in_recovery() as is_standby,
  r.rolsuper as is_superuser,
  current_setting('default_transaction_read_only')::boolean as is_read_only,
  has_database_privilege(current_database(), 'temp') as may_make_temporary,
  (select has_schema_privilege(n.oid, 'create') from pg_namespace n where n.nspname = $1) as may_create_in_schema,
  array(select e.evtname::text from pg_event_trigger e where e.evtenabled in ('O', 'A') order by 1) as event_triggers,
  array(
    select e.word
    from (values
      (1, 'create roles', r.rolcreaterole),
      (2, 'create databases', r.rolcreatedb),
      (3, 'replicate', r.rolreplication)) as e (place, word, is_held)
    where e.is_held
    order by e.place) as excess_rights,
  exists (select from pg_namespace n where n.nspname = 'backfill') as has_backfill,
  coalesce(
    (
      select
        has_schema_privilege(n.oid, 'create')
        and not exists (
          select
          from pg_class c
          where c.relnamespace = n.oid
            and c.relkind = 'r'
            and not pg_has_role(c.relowner, 'USAGE'))
      from pg_namespace n
      where n.nspname = 'backfill'),
    has_database_privilege(current_database(), 'create')) as may_create_backfill
from pg_roles r
where r.rolname = current_user;
