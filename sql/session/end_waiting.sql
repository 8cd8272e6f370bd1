select pg_catalog.pg_terminate_backend(a.pid)
from pg_catalog.pg_stat_activity a
where a.pid = $1
  and (extract(epoch from a.xact_start) * 1000000)::bigint = $2
  and (a.state like 'idle in transaction%' or a.wait_event_type = 'Client');
