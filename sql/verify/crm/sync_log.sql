select
  to_jsonb(t)::text as image,
  t."processedAt" is not distinct from t."createdAt" as is_of_one_instant
from "SyncLog" t
where t."eventId" like 'backfill:%'
  or t."id"::text like 'bf11____-____-8___-____-____________'
order by t."id"::text collate "C";
