begin;
set local work_mem = '128MB';
set local maintenance_work_mem = '512MB';
