alter table backfill.record add primary key (record_key);
