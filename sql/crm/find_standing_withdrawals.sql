create temp table load_withdrawn on commit drop as
select distinct coalesce(m.survivor_id, t."customerId"::text) as id, t."channel"::text as channel
from "MarketingConsent" t
left join load_merges m on m.id = t."customerId"::text
where t."status"::text = 'OPTED_OUT'
  and t."scope"::text <> 'transactional'
  and (
    t."id"::text not like 'bf11____-____-8___-____-____________'
    or exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t."id"::text));
