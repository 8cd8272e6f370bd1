with reasons (reason, position) as (
  values ('WITHDRAWN', 1), ('COMPLAINED', 2), ('BOUNCED', 3), ('DECEASED', 4)
),
incoming as (
  -- Per key: evidence that affects consent, else other evidence.
  select distinct on (l.tenant_id, l.channel, l.address, l.scope)
    l.tenant_id,
    l.channel,
    l.address,
    l.scope,
    l.reason,
    reasons.position,
    reasons.position <= 2 as is_withdrawal,
    l.revoked_at,
    max(l.lifted_after) over (partition by l.tenant_id, l.channel, l.address, l.scope) as lifted_after
  from load_withdrawals l
  join reasons using (reason)
  order by l.tenant_id, l.channel, l.address, l.scope, reasons.position
),
known as (
  select w.*, reasons.position, coalesce(reasons.position <= 2, false) as is_withdrawal
  from backfill.withdrawn w
  left join reasons on reasons.reason = w.reason
),
merged as (
  select
    coalesce(i.tenant_id, k.tenant_id) as tenant_id,
    coalesce(i.channel, k.channel) as channel,
    coalesce(i.address, k.address) as address,
    coalesce(i.scope, k.scope) as scope,
    k.reason as known_reason,
    k.revoked_at as known_revoked_at,
    k.lifted_after as known_lifted_after,
    case when i.reason is null or k.position <= i.position then k.reason else i.reason end as reason,
    case
      when i.reason is null then k.revoked_at
      when k.is_withdrawal = i.is_withdrawal then greatest(k.revoked_at, i.revoked_at)
      when k.position <= i.position then k.revoked_at
      else i.revoked_at
    end as revoked_at,
    -- An undated withdrawal is dated by the load that recorded it first, or by a later change of its evidence. Those that a version
    -- without dates recorded are dated by this load.
    case
      when i.reason is null and k.is_withdrawal and k.revoked_at is null then coalesce(k.lifted_after, $1::text::timestamptz)
      when i.reason is null or not i.is_withdrawal then k.lifted_after
      when k.is_withdrawal then greatest(coalesce(k.lifted_after, k.revoked_at, $1::text::timestamptz), i.lifted_after)
      when i.revoked_at is null then $1::text::timestamptz
      else coalesce(i.lifted_after, i.revoked_at)
    end as lifted_after
  from incoming i
  full join known k
    on k.tenant_id = i.tenant_id and k.channel = i.channel and k.address = i.address and k.scope = i.scope
)
insert into backfill.withdrawn as w (tenant_id, channel, address, scope, reason, revoked_at, lifted_after)
select m.tenant_id, m.channel, m.address, m.scope, m.reason, m.revoked_at, m.lifted_after
from merged m
where (m.known_reason, m.known_revoked_at, m.known_lifted_after) is distinct from (m.reason, m.revoked_at, m.lifted_after)
on conflict (tenant_id, channel, address, scope) do update
set reason = excluded.reason, revoked_at = excluded.revoked_at, lifted_after = excluded.lifted_after;
