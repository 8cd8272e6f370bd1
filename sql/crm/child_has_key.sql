select exists (
  select
  from pg_constraint k
  where k.conrelid = 'backfill.child'::regclass
    and k.contype = 'p');
