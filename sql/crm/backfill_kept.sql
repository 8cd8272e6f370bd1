create table if not exists backfill.kept (
  table_name text not null,
  id text not null,
  reason text not null,
  primary key (table_name, id, reason)
);
