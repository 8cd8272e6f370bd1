create temporary view our_profiles as
select
    rows.*,
    exists (select from lent__kept as kept where kept.table_name = 'CustomerProfile' and kept.id = rows."id"::text) as is_kept
from "CustomerProfile" as rows
where rows."id"::text like 'bf11%'
    and substr(rows."id"::text, 15, 1) = '8'
    and rows."status"::text <> 'MERGED';
