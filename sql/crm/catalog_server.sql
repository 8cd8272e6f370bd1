select
  current_database()::text as database_name,
  current_user::text as role_name,
  coalesce(current_schema()::text, '') as schema_name,
  current_setting('server_version_num')::int as version,
  current_setting('server_encoding') as encoding,
  pg_is_in_recovery() as is_standby,
  r.rolsuper as is_superuser,
  exists (select from pg_namespace n where n.nspname = 'backfill') as has_backfill,
  coalesce((select has_schema_privilege(n.oid, 'create') from pg_namespace n where n.nspname = 'backfill'),
    has_database_privilege(current_database(), 'create')) as may_create_backfill
from pg_roles r
where r.rolname = current_user;
