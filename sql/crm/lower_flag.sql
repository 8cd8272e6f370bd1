with lowered as (
  update staged_customer_profiles s
  set "emailOptIn" = false
  where s."emailOptIn"
    and exists (
      select
      from "MarketingConsent" t
      where t."customerId" = s."id"
        and t."channel"::text = 'EMAIL'
        and t."status"::text = 'OPTED_OUT'
        and t."scope" <> 'transactional'
        and (
          t."id"::text not like 'bf11____-____-8___-____-____________'
          or exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text)))
  returning s."id"::text as id
)
insert into load_held (table_name, id, reason)
select 'CustomerProfile', l.id, 'FLAG_LOWERED'
from lowered l;
