insert into backfill.undated (evidence_key, recorded_at)
select l.evidence_key, $1::text::timestamptz
from load_undated l
on conflict (evidence_key) do nothing;
