insert into backfill.withdrawn as w (tenant_id, channel, address, scope, revoked_at, reason)
select
  l.tenant_id,
  l.channel,
  l.address,
  l.scope,
  max(l.revoked_at),
  (array_agg(l.reason order by array_position(array['WITHDRAWN', 'COMPLAINED', 'BOUNCED', 'DECEASED'], l.reason)))[1]
from load_withdrawals l
where l.reason <> 'EARLIER_LOAD'
group by l.tenant_id, l.channel, l.address, l.scope
on conflict (tenant_id, channel, address, scope) do update
set revoked_at = excluded.revoked_at
where excluded.revoked_at is not null
  and (w.revoked_at is null or excluded.revoked_at > w.revoked_at);
