select distinct on (s."sourceService")
  s."sourceService"::text as service,
  s."eventPayload"::text::jsonb ->> 'watermark' as watermark,
  s."eventPayload"::text::jsonb ->> 'manifest' as manifest
from "SyncLog" s
where s."eventType"::text = 'backfill.load'
  and s."eventId"::text like 'backfill:%'
  and s."eventId"::text not like 'backfill:run:%'
order by
  s."sourceService",
  s."processedAt" desc,
  s."id";
