-- $1: the tables, $2: whether readers block, too.
select
  l.pid,
  coalesce(a.usename::text, '') as role_name,
  coalesce(a.application_name, '') as application,
  coalesce(a.state, '') as state,
  extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::bigint as age,
  string_agg(distinct c.relname::text, ', ' order by c.relname::text) as tables
from pg_catalog.pg_locks l
join pg_catalog.pg_class c on c.oid = l.relation
left join pg_catalog.pg_stat_activity a on a.pid = l.pid
where c.relname = any ($1)
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
  and l.granted
  and ($2 or l.mode not in ('AccessShareLock', 'RowShareLock'))
  and l.pid is distinct from $3
group by
  l.pid,
  a.usename,
  a.application_name,
  a.state,
  a.xact_start
order by
  a.xact_start,
  l.pid;
