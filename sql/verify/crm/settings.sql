set local work_mem = '128MB';
set local enable_nestloop = off;
set local enable_mergejoin = off;
-- Several sessions work side by side. Workers would take their processors, and cost more than they save: their partial groups are nearly
-- as many as the rows.
set local max_parallel_workers_per_gather = 0;
