select
  not exists (select from backfill.written)
  and not exists (select from backfill.child)
  and not exists (select from backfill.deleted);
