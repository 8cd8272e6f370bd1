select
  u.evidence_key,
  (extract(epoch from u.recorded_at) * 1000000)::bigint as recorded_at
from backfill.undated u;
