alter table backfill.withdrawn add column if not exists lifted_after timestamptz;
