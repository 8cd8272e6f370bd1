select
  c."id"::text as id,
  c."tenantId"::text as tenant_id,
  c."name"::text as name
from "Club" c
order by c."id";
