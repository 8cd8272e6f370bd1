select
  a.state like 'idle%' or a.wait_event_type = 'Client' or a.wait_event = 'SyncRep' as is_waiting,
  coalesce(
    (
      select format('%s: %s rows copied', p.relid::regclass, p.tuples_processed)
      from pg_catalog.pg_stat_progress_copy p
      where p.pid = a.pid),
    (
      select format('%s: %s, %s of %s blocks, %s of %s tuples', p.relid::regclass, p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total)
      from pg_catalog.pg_stat_progress_create_index p
      where p.pid = a.pid),
    '') as progress
from pg_catalog.pg_stat_activity a
where a.pid = $1
  and (extract(epoch from a.xact_start) * 1000000)::bigint = $2;
