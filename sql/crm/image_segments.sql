insert into backfill.before (table_name, id, run_id, image)
select
  'CustomerSegment',
  t."id"::text,
  $1,
  jsonb_build_object(
    'memberCount', t."memberCount", 'lastRefreshedAt', t."lastRefreshedAt", 'refreshError', t."refreshError")
from "CustomerSegment" t
join load_refreshes r on r.segment_id = t."id"::text
where t."id"::text not like 'bf11____-____-8___-____-____________'
on conflict do nothing;
