select exists (
  select
  from pg_attribute a
  where a.attrelid = 'backfill.written'::regclass
    and a.attname = 'hash'
    and not a.attisdropped);
