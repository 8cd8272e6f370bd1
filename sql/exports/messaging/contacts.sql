select
  c."id"::text as id,
  c."tenantId"::text as tenant_id,
  c."email"::text as email,
  c."phoneNumber"::text as phone_number,
  case when c."deletedAt" is null then c."authUserId"::text end as auth_user_id,
  c."emailOptIn"::text as email_opt_in,
  c."smsOptIn"::text as sms_opt_in,
  case when c."deletedAt" is null then c."createdAt"::text end as created_at,
  c."updatedAt"::text as updated_at,
  c."deletedAt"::text as deleted_at
from "Contact" c
order by c."id"::text collate "C";
