create temporary view our_aliases as
select rows.*
from "IdentityAlias" as rows
-- A case keeps the planner from thinking that only a few ids are ours.
where case when rows."id"::text like 'bf11%' then substr(rows."id"::text, 15, 1) = '8' else false end;
