insert into evidence__kept (table_name, id, reason)
select table_name, id, reason
from backfill.kept;
