insert into backfill.decision (a, b, kind, gone_id, kept_id, decided_by, decided_at, run_id)
select q.a, q.b, q.kind, q.gone_id, q.kept_id, q.decided_by, q.decided_at, $1
from load_merged_pairs q
on conflict (a, b) do nothing;
