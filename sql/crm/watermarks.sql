select distinct on (s."sourceService")
  s."sourceService" as service,
  s."eventPayload" ->> 'watermark' as watermark,
  s."eventPayload" ->> 'manifest' as manifest
from "SyncLog" s
where s."eventType" = 'backfill.load'
  and s."eventId" like 'backfill:%'
  and s."eventId" not like 'backfill:run:%'
order by
  s."sourceService",
  s."processedAt" desc,
  s."id";
