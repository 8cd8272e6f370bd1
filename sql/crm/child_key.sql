alter table backfill.child add primary key (table_name, id);
