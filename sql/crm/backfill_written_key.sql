create unique index if not exists written_key on backfill.written (table_name, id);
