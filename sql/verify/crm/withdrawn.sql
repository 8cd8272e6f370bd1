select
  w.tenant_id,
  w.channel,
  w.address,
  w.scope,
  (extract(epoch from w.revoked_at) * 1000000)::bigint as revoked_at,
  (extract(epoch from w.lifted_after) * 1000000)::bigint as lifted_after,
  w.reason
from backfill.withdrawn w;
