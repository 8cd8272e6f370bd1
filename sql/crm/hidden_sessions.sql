select count(*)
from pg_stat_activity a
where a.datname = current_database()
  and a.backend_type is null
  and a.pid <> pg_backend_pid();
