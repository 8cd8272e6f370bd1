set local work_mem = '128MB';
set local maintenance_work_mem = '512MB';
-- A load joins whole tables. The planner expects our rows, selected by id, to be few, and would choose nested loops.
set local enable_nestloop = off;
-- A constraint that is deferred until the commit would leave its check pending, and no index can be rebuilt meanwhile.
set constraints all immediate;
-- Rebuilt indexes go to their former tablespace.
set local default_tablespace = '';
