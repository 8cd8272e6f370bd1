with flags as (
  select
    p."id"::text as id,
    f.channel,
    f.is_on
  from "CustomerProfile" p
  cross join lateral (
    values ('EMAIL', p."emailOptIn"), ('PUSH', p."pushOptIn"), ('SMS', p."smsOptIn"), ('WHATSAPP', p."whatsappOptIn")
  ) f (channel, is_on)
  where p."id"::text like 'bf11____-____-8___-____-____________'
),
refused as (
  select distinct c."customerId"::text as id, c."channel"::text as channel
  from "MarketingConsent" c
  where c."status"::text = 'OPTED_OUT' and c."scope" <> 'transactional'
),
judged as (
  select flags.id, flags.channel, flags.is_on and refused.id is not null as is_wrong
  from flags
  left join refused on refused.id = flags.id and refused.channel = flags.channel
)
select
  channel || ' flags that are on although a withdrawal stands' as item,
  count(*) as examined,
  '0' as expected,
  (count(*) filter (where is_wrong))::text as observed,
  coalesce((array_agg(id order by id) filter (where is_wrong))[1:5], array[]::text[]) as examples
from judged
group by channel
order by channel;
