create table if not exists backfill.settled (
  table_name text primary key,
  form text not null,
  transactions text[] not null,
  buckets bytea not null,
  seal text not null
);
