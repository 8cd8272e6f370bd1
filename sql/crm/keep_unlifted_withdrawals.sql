insert into load_kept (table_name, id, reason)
select 'MarketingConsent', t."id"::text, 'WITHDRAWAL_STANDS'
from "MarketingConsent" t
join staged_marketing_consents s on s."id" = t."id"
where t."status"::text = 'OPTED_OUT'
  and s."status"::text = 'OPTED_IN'
  and not (
    s."evidence"::text::jsonb ->> 'evidenceKind' = 'CONSENT_LOG'
    and (t."revokedAt" is null or s."consentedAt" > t."revokedAt"))
  and not exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text);
