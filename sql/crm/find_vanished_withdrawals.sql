create temp table load_vanished on commit drop as
select t."id"::text as id, t."channel"::text as channel, t."scope"::text as scope, t."evidence"::text::jsonb ->> 'evidenceKey' as evidence_key
from load_question q
join "MarketingConsent" t on t."id"::text = q.id
where q.table_name = 'MarketingConsent'
  and t."id"::text like 'bf11____-____-8___-____-____________'
  and t."status"::text = 'OPTED_OUT'
  and t."evidence"::text::jsonb ->> 'evidenceKey' is not null
  and not exists (select from staged_marketing_consents s where s."id" = t."id")
  and (
    exists (select from staged_customer_profiles p where p."id" = t."customerId")
    or exists (
      select
      from "CustomerProfile" p
      where p."id" = t."customerId"
        and p."id"::text like 'bf11____-____-8___-____-____________'
        and not exists (select from load_question o where o.table_name = 'CustomerProfile' and o.id = p."id"::text)));
