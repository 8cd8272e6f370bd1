create table if not exists backfill.before (
  table_name text not null,
  id text not null,
  run_id text not null,
  image jsonb not null,
  primary key (table_name, id)
);
