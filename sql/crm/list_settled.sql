select table_name, form, transactions, buckets, seal
from backfill.settled
order by table_name;
