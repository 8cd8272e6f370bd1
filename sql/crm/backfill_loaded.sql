create table if not exists backfill.loaded (
  entity text primary key,
  row_count bigint not null
);
