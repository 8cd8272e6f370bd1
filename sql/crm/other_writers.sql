select
  a.application_name::text,
  a.usename::text,
  a.pid,
  string_agg(distinct c.relname::text, ', ' order by c.relname::text)
from pg_locks l
join pg_class c on c.oid = l.relation
join pg_stat_activity a on a.pid = l.pid
where l.relation = any ($1::oid[])
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
  and l.granted
  and l.mode in ('RowShareLock', 'RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  and a.backend_type = 'client backend'
  and a.pid <> pg_backend_pid()
group by a.application_name, a.usename, a.pid
order by a.pid;
