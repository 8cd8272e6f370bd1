select id, command, phase, as_of::text as as_of, inputs, started_at::text as started_at, transaction_id, counts::text as counts
from backfill.run
order by started_at desc, id desc
limit 1;
