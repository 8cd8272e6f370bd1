create temporary view our_memberships as
select rows.*
from "CustomerSegmentMembership" as rows
-- A case keeps the planner from thinking that only a few ids are ours.
where case when rows."id"::text like 'bf11%' then substr(rows."id"::text, 15, 1) = '8' else false end;
