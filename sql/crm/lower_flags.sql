with refused as (
  select
    w.id,
    bool_or(w.channel = 'EMAIL') as email,
    bool_or(w.channel = 'SMS') as sms,
    bool_or(w.channel = 'PUSH') as push,
    bool_or(w.channel = 'WHATSAPP') as whatsapp
  from load_withdrawn w
  group by w.id
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
