alter table backfill.written add primary key (table_name, id);
