create temporary view our_profiles as
select
    rows.*,
    rows."id"::text in (select kept.id from evidence__kept as kept where kept.table_name = 'CustomerProfile') as is_kept
from "CustomerProfile" as rows
-- The case expression prevents the planner from expecting only a few rows.
where case when rows."id"::text like 'bf11%' then substr(rows."id"::text, 15, 1) = '8' else false end
    and rows."status"::text is distinct from 'MERGED';
