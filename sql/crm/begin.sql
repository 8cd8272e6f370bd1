set local work_mem = '128MB';
set local maintenance_work_mem = '512MB';
-- A load joins whole tables. The planner expects our rows, selected by id, to be few, and would choose nested loops.
set local enable_nestloop = off;
-- Rebuilt indexes go to their former tablespace.
set local default_tablespace = '';
