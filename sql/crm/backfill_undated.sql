create table if not exists backfill.undated (
  evidence_key text primary key,
  recorded_at timestamptz not null
);
