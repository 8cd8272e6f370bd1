with lowered as (
  update staged_customer_profiles s
  set "emailOptIn" = false
  where s."emailOptIn"
    and exists (
      select
      from "MarketingConsent" t
      left join load_merges m on m.id = t."customerId"::text
      where coalesce(m.survivor_id, t."customerId"::text) = s."id"::text
        and t."channel"::text = 'EMAIL'
        and t."status"::text = 'OPTED_OUT'
        and t."scope"::text <> 'transactional'
        and (
          t."id"::text not like 'bf11____-____-8___-____-____________'
          or exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text)))
  returning s."id"::text as id
)
insert into load_held (table_name, id, reason)
select 'CustomerProfile', l.id, 'FLAG_LOWERED'
from lowered l;
