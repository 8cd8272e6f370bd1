create table if not exists backfill.written (
  table_name text not null,
  id text not null,
  content uuid not null,
  said text,
  primary key (table_name, id)
);
