set local work_mem = '128MB';
set local maintenance_work_mem = '512MB';
-- Every join of a load is of whole tables; the planner takes rows that are ours by id for a few, and would loop over them.
set local enable_nestloop = off;
-- Indexes come back where they were.
set local default_tablespace = '';
