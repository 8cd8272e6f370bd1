create table if not exists backfill.record (
  record_key text primary key,
  profile_id text not null
);
