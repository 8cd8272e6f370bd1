select
  t."id"::text as id,
  t."tenantId"::text as tenant_id,
  t."name"::text as name
from "MembershipTier" t
order by t."id";
