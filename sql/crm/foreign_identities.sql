select f.what, count(*)
from (
  select 'authUserId' as what
  from staged_customer_profiles s
  join "CustomerProfile" t on t."authUserId" = s."authUserId"
  where t."id"::text not like 'bf11____-____-8___-____-____________'
  union all
  select 'sclMemberId'
  from staged_customer_profiles s
  join "CustomerProfile" t on t."tenantId" = s."tenantId" and t."sclMemberId" = s."sclMemberId"
  where t."id"::text not like 'bf11____-____-8___-____-____________'
  union all
  select 'teetimePlayerId'
  from staged_customer_profiles s
  join "CustomerProfile" t on t."teetimePlayerId" = s."teetimePlayerId"
  where t."id"::text not like 'bf11____-____-8___-____-____________'
  union all
  select 'messagingContactId'
  from staged_customer_profiles s
  join "CustomerProfile" t on t."messagingContactId" = s."messagingContactId"
  where t."id"::text not like 'bf11____-____-8___-____-____________') as f
group by f.what
order by f.what;
