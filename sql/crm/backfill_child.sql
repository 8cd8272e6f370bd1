create table if not exists backfill.child (
  table_name text not null,
  id text not null,
  primary key (table_name, id)
);
