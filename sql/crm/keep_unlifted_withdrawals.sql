insert into load_kept (table_name, id, reason)
select 'MarketingConsent', t."id"::text, 'WITHDRAWAL_STANDS'
from "MarketingConsent" t
join staged_marketing_consents s on s."id" = t."id"
where t."status"::text = 'OPTED_OUT'
  and s."status"::text = 'OPTED_IN'
  -- Only a later explicit opt-in lifts a withdrawal. An undated withdrawal is dated by the load that wrote it.
  and (
    (s."evidence"::text::jsonb ->> 'actAt')::timestamptz
    > coalesce(t."revokedAt", (select max(r.as_of) from backfill.run r where r.command = 'load'))) is not true
  and not exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text);
