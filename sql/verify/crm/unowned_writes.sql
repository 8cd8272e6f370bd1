select w.id
from backfill.written w
where w.table_name <> all ($1::text[])
order by w.id;
