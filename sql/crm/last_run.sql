select
  id,
  command,
  phase,
  to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as as_of,
  inputs,
  started_at::text as started_at,
  transaction_id,
  counts::text as counts
from backfill.run
order by started_at desc, id desc
limit 1;
