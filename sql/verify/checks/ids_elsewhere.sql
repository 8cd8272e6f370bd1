select
  ours.table_name || ' rows whose id says that the backfill made them' as item,
  ours.row_count as examined,
  '0' as expected,
  ours.own_count::text as observed,
  ours.examples
from (
  select
    'CustomerNote' as table_name,
    count(*) as row_count,
    count(*) filter (where t."id"::text like 'bf11____-____-8___-____-____________') as own_count,
    coalesce(
      (array_agg(t."id"::text order by t."id"::text) filter (where t."id"::text like 'bf11____-____-8___-____-____________'))[1:5],
      array[]::text[]
    ) as examples
  from "CustomerNote" t
  union all
  select
    'AttributionEvent',
    count(*),
    count(*) filter (where t."id"::text like 'bf11____-____-8___-____-____________'),
    coalesce(
      (array_agg(t."id"::text order by t."id"::text) filter (where t."id"::text like 'bf11____-____-8___-____-____________'))[1:5],
      array[]::text[]
    )
  from "AttributionEvent" t
  union all
  select
    'SyncLog',
    count(*),
    count(*) filter (where t."eventId" not like 'backfill:%'),
    coalesce((array_agg(t."id"::text order by t."id"::text) filter (where t."eventId" not like 'backfill:%'))[1:5], array[]::text[])
  from "SyncLog" t
  where t."id"::text like 'bf11____-____-8___-____-____________'
) ours
order by ours.table_name;
