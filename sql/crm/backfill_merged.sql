create table if not exists backfill.merged (
  id text primary key,
  successor text
);
