-- Profiles without metrics, scores and segments of ours: they or their consents are kept as another writer changed them, or they have
-- foreign activities.
with kept as materialized (
  select unnest(coalesce(nullif(current_setting('backfill.kept', true), ''), '{}')::text[]) as id
)
select k.id
from kept k
union
select t."id"::text
from "CustomerProfile" t
where CHANGED_BY_OTHERS
union
select c."customerId"::text
from "MarketingConsent" c
join kept k on k.id = c."id"::text
union
select a."customerId"::text
from "Activity" a
where a."id"::text not like 'bf11____-____-8___-____-____________';
