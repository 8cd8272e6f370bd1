-- Consent rows of profiles that take over the records of a profile with a withdrawal that others entered or that is kept.
with refused as (
  select distinct on (l.successor, t."channel", t."scope")
    l.successor,
    t."channel"::text as channel,
    t."scope"::text as scope,
    t."revokedAt"
  from "MarketingConsent" t
  join load_standing l on l.id = t."customerId"::text
  where t."status"::text = 'OPTED_OUT'
    and (
      t."id"::text not like 'bf11____-____-8___-____-____________'
      or exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text))
  order by l.successor, t."channel", t."scope", t."revokedAt" desc nulls first
),
passed as (
  update staged_marketing_consents o
  set "status" = 'OPTED_OUT', "consentedAt" = null, "revokedAt" = f."revokedAt"
  from refused f
  where o."customerId"::text = f.successor
    and o."channel"::text = f.channel
    and o."scope"::text = f.scope
    and o."status"::text = 'OPTED_IN'
    -- Only a later explicit opt-in lifts a withdrawal.
    and ((o."evidence"::text::jsonb ->> 'actAt')::timestamptz > f."revokedAt") is not true
  returning o."id"::text as id
)
insert into load_held (table_name, id, reason)
select 'MarketingConsent', p.id, 'WITHDRAWAL_STANDS'
from passed p;
