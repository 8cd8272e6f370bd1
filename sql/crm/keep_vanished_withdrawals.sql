insert into load_kept (table_name, id, reason)
select 'MarketingConsent', t."id"::text, 'WITHDRAWAL_STANDS'
from "MarketingConsent" t
where t."id"::text like 'bf11____-____-8___-____-____________'
  and t."status"::text = 'OPTED_OUT'
  and t."evidence"::text::jsonb ->> 'evidenceKey' is not null
  and not exists (select from staged_marketing_consents s where s."id" = t."id")
  and exists (select from staged_customer_profiles p where p."id" = t."customerId")
  and not exists (
    select
    from staged_marketing_consents m
    where m."channel" = t."channel"
      and m."scope" = t."scope"
      and m."status" = t."status"
      and m."evidence"::text::jsonb ->> 'evidenceKey' = t."evidence"::text::jsonb ->> 'evidenceKey')
  and not exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text);
