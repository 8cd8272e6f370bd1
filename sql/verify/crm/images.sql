select
  b.table_name,
  b.id,
  mod(r.transaction_id::numeric, 4294967296) = b.xmin::text::numeric as is_as_written
from backfill.before b
left join backfill.run r on r.id = b.run_id
order by b.table_name, b.id;
