select
  k.table_name,
  k.id,
  k.reason
from backfill.kept k
order by k.table_name, k.id, k.reason;
