create table if not exists backfill.deleted (
  table_name text not null,
  id text not null,
  successor text,
  run_id text not null,
  as_of timestamptz,
  noticed_at timestamptz not null,
  primary key (table_name, id)
);
