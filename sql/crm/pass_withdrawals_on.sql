with refused as (
  select distinct on (t."id", s."channel", s."scope")
    t."id" as customer_id, s."channel", s."scope", s."status", s."consentedAt", s."revokedAt", s."evidence"
  from staged_marketing_consents s
  join load_redirect r on r.id = s."customerId"::text
  join "CustomerProfile" t on t."id"::text = r.target_id
  where s."status"::text = 'OPTED_OUT'
  order by t."id", s."channel", s."scope", s."revokedAt" desc nulls last, s."id"
),
passed as (
  update staged_marketing_consents o
  set "status" = f."status", "consentedAt" = f."consentedAt", "revokedAt" = f."revokedAt", "evidence" = f."evidence"
  from refused f
  where o."customerId" = f.customer_id
    and o."channel" = f."channel"
    and o."scope" = f."scope"
    and o."status"::text = 'OPTED_IN'
  returning o."id"::text as id
)
insert into load_held (table_name, id, reason)
select 'MarketingConsent', p.id, 'MERGED_BY_OTHERS'
from passed p;
