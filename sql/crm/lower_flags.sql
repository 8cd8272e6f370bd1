with refused as (
  select
    coalesce(m.survivor_id, t."customerId"::text) as id,
    bool_or(t."channel"::text = 'EMAIL') as email,
    bool_or(t."channel"::text = 'SMS') as sms,
    bool_or(t."channel"::text = 'PUSH') as push,
    bool_or(t."channel"::text = 'WHATSAPP') as whatsapp
  from "MarketingConsent" t
  left join load_merges m on m.id = t."customerId"::text
  where t."status"::text = 'OPTED_OUT'
    and t."scope"::text <> 'transactional'
    and (
      t."id"::text not like 'bf11____-____-8___-____-____________'
      or exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text))
  group by coalesce(m.survivor_id, t."customerId"::text)
),
falling as (
  select
    s."id",
    s."emailOptIn" and r.email as email,
    s."smsOptIn" and r.sms as sms,
    s."pushOptIn" and r.push as push,
    s."whatsappOptIn" and r.whatsapp as whatsapp
  from staged_customer_profiles s
  join refused r on r.id = s."id"::text
),
lowered as (
  update staged_customer_profiles s
  set
    "emailOptIn" = s."emailOptIn" and not f.email,
    "smsOptIn" = s."smsOptIn" and not f.sms,
    "pushOptIn" = s."pushOptIn" and not f.push,
    "whatsappOptIn" = s."whatsappOptIn" and not f.whatsapp
  from falling f
  where f."id" = s."id"
    and (f.email or f.sms or f.push or f.whatsapp)
)
insert into load_held (table_name, id, reason)
select 'CustomerProfile', f."id"::text, 'FLAG_LOWERED'
from falling f
cross join lateral (values (f.email), (f.sms), (f.push), (f.whatsapp)) as flag (falls)
where flag.falls;
