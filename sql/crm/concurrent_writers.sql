select
  coalesce(a.application_name::text, ''),
  coalesce(a.usename::text, ''),
  l.pid,
  string_agg(distinct c.relname::text, ', ' order by c.relname::text),
  extract(epoch from clock_timestamp() - a.xact_start)::bigint
from pg_locks l
join pg_class c on c.oid = l.relation
left join pg_stat_activity a on a.pid = l.pid
where l.relation = any ($1::oid[])
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
  and l.granted
  and l.mode in ('RowShareLock', 'RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  -- Without pg_read_all_stats a role does not see the backend type of other roles' sessions.
  and (a.backend_type is null or a.backend_type = 'client backend')
  and l.pid is distinct from pg_backend_pid()
group by a.application_name, a.usename, l.pid, a.xact_start
order by l.pid;
