select
  s."id"::text as id,
  s."tenantId"::text as tenant_id,
  s."clubId"::text as club_id,
  s."name"::text as name,
  s."type"::text as segment_type,
  s."criteria"::text as criteria,
  s."combinator"::text as combinator,
  s."isActive" as is_active,
  s."deletedAt" at time zone 'UTC' as deleted_at
from "CustomerSegment" s
order by s."id"::text collate "C";
