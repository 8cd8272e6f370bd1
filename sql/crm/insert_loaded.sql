insert into backfill.loaded (entity, row_count)
select e.entity, e.row_count
from unnest($1::text[], $2::bigint[]) e(entity, row_count);
