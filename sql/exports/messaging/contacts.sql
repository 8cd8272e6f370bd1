select
  c."id"::text as id,
  c."tenantId"::text as tenant_id,
  c."email"::text as email,
  c."phoneNumber"::text as phone_number,
  case when c."deletedAt" is null then c."authUserId"::text end as auth_user_id,
  c."emailOptIn" as email_opt_in,
  c."smsOptIn" as sms_opt_in,
  case when c."deletedAt" is null then c."createdAt" end as created_at,
  c."updatedAt" as updated_at,
  c."deletedAt" as deleted_at
from "Contact" c
order by c."id"::text collate "C";
