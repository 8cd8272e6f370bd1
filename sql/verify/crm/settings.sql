set local work_mem = '128MB';
set local enable_nestloop = off;
set local enable_mergejoin = off;
