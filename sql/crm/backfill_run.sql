create table if not exists backfill.run (
  id text primary key,
  command text not null,
  phase int,
  as_of timestamptz,
  inputs text,
  version text not null,
  transaction_id text not null,
  started_at timestamptz not null,
  counts jsonb not null
);
