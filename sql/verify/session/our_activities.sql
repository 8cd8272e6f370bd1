create temporary view our_activities as
select rows.*
from "Activity" as rows
-- The case expression prevents the planner from expecting only a few rows.
where case when rows."id"::text like 'bf11%' then substr(rows."id"::text, 15, 1) = '8' else false end;
