insert into "CustomerSegment" ("id", "tenantId", "name", "type", "criteria", "createdAt", "updatedAt", "createdBy")
select n."id", n."tenantId", n."name", n."type", n."criteria", now(), now(), n."createdBy"
from load_refreshes r
cross join lateral jsonb_populate_record(
  null::"CustomerSegment",
  jsonb_build_object(
    'id', r.segment_id, 'tenantId', r.tenant_id, 'name', r.name, 'type', 'DYNAMIC', 'criteria', r.rule::jsonb,
    'createdBy', 'crm-backfill')) as n
where r.is_new
  and not exists (select from "CustomerSegment" t where t."id"::text = r.segment_id or (t."tenantId"::text = r.tenant_id and t."name"::text = r.name));
