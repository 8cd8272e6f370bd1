-- Withdrawals that others entered or that are kept, with the profile for which they hold: the last survivor, if theirs was merged.
create temp table load_withdrawn on commit drop as
with recursive held as (
  select
    coalesce(m.survivor_id, l.successor, t."customerId"::text) as id,
    t."channel"::text as channel,
    1 as steps
  from "MarketingConsent" t
  left join load_merges m on m.id = t."customerId"::text
  left join load_standing l on l.id = t."customerId"::text
  where t."status"::text = 'OPTED_OUT'
    and t."scope"::text <> 'transactional'
    and (
      t."id"::text not like 'bf11____-____-8___-____-____________'
      or exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text))
  union all
  select p."mergedIntoId"::text, h.channel, h.steps + 1
  from held h
  join "CustomerProfile" p on p."id"::text = h.id
  where p."status"::text = 'MERGED'
    and p."mergedIntoId" is not null
    and h.steps < 100
)
select distinct h.id, h.channel
from held h;
