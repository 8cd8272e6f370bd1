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
    reasons.position <= 2 as is_withdrawal,
    l.revoked_at,
    max(l.lifted_after) over (partition by l.tenant_id, l.channel, l.address, l.scope) as lifted_after
  from load_withdrawals l
  join reasons using (reason)
  order by l.tenant_id, l.channel, l.address, l.scope, reasons.position
),
merged as (
  select
    i.tenant_id,
    i.channel,
    i.address,
    i.scope,
    case when w.is_kept then w.reason else i.reason end as reason,
    case
      when w.is_withdrawal = i.is_withdrawal then greatest(w.revoked_at, i.revoked_at)
      when w.is_kept then w.revoked_at
      else i.revoked_at
    end as revoked_at,
    -- An undated withdrawal is dated by the load that recorded it first, or by a later change of its evidence.
    case
      when not i.is_withdrawal then w.lifted_after
      when w.is_withdrawal then greatest(coalesce(w.lifted_after, w.revoked_at, $1::text::timestamptz), i.lifted_after)
      when i.revoked_at is null then $1::text::timestamptz
      else coalesce(i.lifted_after, i.revoked_at)
    end as lifted_after
  from incoming i
  left join lateral (
    select
      known.reason,
      known.revoked_at,
      known.lifted_after,
      known.reason in ('WITHDRAWN', 'COMPLAINED') as is_withdrawal,
      reasons.position <= (select r.position from reasons r where r.reason = i.reason) as is_kept
    from backfill.withdrawn known
    left join reasons on reasons.reason = known.reason
    where known.tenant_id = i.tenant_id and known.channel = i.channel and known.address = i.address and known.scope = i.scope
  ) as w on true
),
undated as (
  -- Recorded by a version that kept no dates: dated by this load.
  select w.tenant_id, w.channel, w.address, w.scope, w.reason, w.revoked_at, $1::text::timestamptz as lifted_after
  from backfill.withdrawn w
  where w.reason in ('WITHDRAWN', 'COMPLAINED')
    and w.lifted_after is null
    and w.revoked_at is null
    and not exists (
      select
      from incoming i
      where i.tenant_id = w.tenant_id and i.channel = w.channel and i.address = w.address and i.scope = w.scope)
)
insert into backfill.withdrawn as w (tenant_id, channel, address, scope, reason, revoked_at, lifted_after)
select * from merged
union all
select * from undated
on conflict (tenant_id, channel, address, scope) do update
set reason = excluded.reason, revoked_at = excluded.revoked_at, lifted_after = excluded.lifted_after
where (w.reason, w.revoked_at, w.lifted_after) is distinct from (excluded.reason, excluded.revoked_at, excluded.lifted_after);
