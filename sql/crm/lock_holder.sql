select a.pid, coalesce(a.client_addr::text, 'a socket'), to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS')
from pg_locks l
join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory'
  and l.granted
  and l.classid = x'62663131'::bigint::oid
  and l.objid = x'6c6f6164'::bigint::oid;
