insert into "SyncLog" (
  "id", "tenantId", "sourceService", "eventType", "eventId", "eventPayload", "status", "processedAt", "attempts", "createdAt")
select
  r."id", r."tenantId", r."sourceService", r."eventType", r."eventId", r."eventPayload", r."status", now(), 1, now()
from jsonb_populate_record(null::"SyncLog", $1::text::jsonb) as r
on conflict do nothing;
