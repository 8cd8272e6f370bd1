select
  w.tenant_id,
  w.channel,
  w.address,
  w.scope,
  w.revoked_at,
  case when w.reason in ('WITHDRAWN', 'COMPLAINED') then coalesce(w.lifted_after, w.revoked_at) end as lifted_after,
  w.reason
from xmltable(
  '/table/row'
  passing case
    when to_regclass('backfill.withdrawn') is not null then query_to_xml('select * from backfill.withdrawn', false, false, '')
  end
  columns
    tenant_id text,
    channel text,
    address text,
    scope text,
    revoked_at timestamptz,
    lifted_after timestamptz,
    reason text) as w
order by w.tenant_id collate "C", w.channel collate "C", w.address collate "C", w.scope collate "C";
