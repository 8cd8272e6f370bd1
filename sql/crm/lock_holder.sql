select
  l.pid,
  coalesce(a.client_addr::text, 'a socket'),
  coalesce(to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'), 'a time hidden from this role'),
  coalesce(a.usename::text, 'unknown'),
  coalesce(
    a.state || ' for ' || extract(epoch from clock_timestamp() - a.state_change)::bigint || ' s',
    'in a state hidden from this role')
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory'
  and l.granted
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
  and l.classid = x'62663131'::bigint::oid
  and l.objid = x'6c6f6164'::bigint::oid;
