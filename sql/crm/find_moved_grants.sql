create temp table load_refused on commit drop as
select distinct on (t."id") t."id", s."status", s."revokedAt", s."evidence"
from staged_marketing_consents s
join "MarketingConsent" t
  on t."tenantId" = s."tenantId" and t."customerId" = s."customerId" and t."channel" = s."channel" and t."scope" = s."scope"
join backfill.written w on w.table_name = 'MarketingConsent' and w.id = t."id"::text
where t."id" <> s."id"
  and s."status"::text = 'OPTED_OUT'
  and t."status"::text = 'OPTED_IN'
  and w.said is distinct from 'OPTED_OUT'
  and exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text)
order by t."id", s."id";
