create table if not exists backfill.decision (
  a text not null,
  b text not null,
  kind text not null,
  gone_id text not null,
  kept_id text not null,
  decided_by text,
  decided_at timestamptz,
  run_id text not null,
  primary key (a, b)
);
