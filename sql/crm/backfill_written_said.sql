alter table backfill.written add column if not exists said text;
