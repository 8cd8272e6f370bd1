with refused as (
  select distinct c."customerId"::text as id, c."channel"::text as channel
  from "MarketingConsent" c
  where c."status"::text = 'OPTED_OUT' and c."scope" <> 'transactional'
),
people as materialized (
  select p."id"::text as id, p."emailOptIn", p."pushOptIn", p."smsOptIn", p."whatsappOptIn"
  from "CustomerProfile" p
  where p."id"::text like 'bf11____-____-8___-____-____________'
),
wrong as (
  select refused.channel, people.id
  from refused
  join people on people.id = refused.id
  where
    case refused.channel
      when 'EMAIL' then people."emailOptIn"
      when 'PUSH' then people."pushOptIn"
      when 'SMS' then people."smsOptIn"
      when 'WHATSAPP' then people."whatsappOptIn"
    end
)
select
  c.channel || ' flags that are on although a withdrawal stands' as item,
  (select count(*) from people) as examined,
  '0' as expected,
  (select count(*) from wrong w where w.channel = c.channel)::text as observed,
  array(select w.id from wrong w where w.channel = c.channel order by w.id limit 5) as examples
from (values ('EMAIL'), ('PUSH'), ('SMS'), ('WHATSAPP')) c (channel)
order by c.channel;
