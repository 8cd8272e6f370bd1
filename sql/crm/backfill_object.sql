create table if not exists backfill.object (
  table_name text not null,
  kind text not null,
  name text not null,
  definition text not null,
  primary key (table_name, kind, name)
);
