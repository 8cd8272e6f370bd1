select
  m."id"::text as id,
  m."tenantId"::text as tenant_id,
  m."email"::text as email,
  m."firstName"::text as first_name,
  m."lastName"::text as last_name,
  m."externalSubject"::text as external_subject,
  m."status"::text as status,
  m."membershipTierId"::text as membership_tier_id,
  t."name"::text as membership_tier,
  m."createdAt"::text as created_at,
  m."updatedAt"::text as updated_at
from "Member" m
left join "MembershipTier" t on t."id" = m."membershipTierId"
order by m."id";
