select
  r.id,
  r.command,
  r.phase,
  (extract(epoch from r.as_of) * 1000000)::bigint as as_of,
  r.inputs,
  r.counts::text as counts,
  to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as started_at,
  mod(r.transaction_id::numeric, 4294967296) = r.xmin::text::numeric as is_as_written
from backfill.run r
order by r.started_at, r.id;
