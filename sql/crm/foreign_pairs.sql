select
  case when s."id" < t."id" then s."id"::text else t."id"::text end as a,
  case when s."id" < t."id" then t."id"::text else s."id"::text end as b,
  s."tenantId"::text as tenant_id,
  bool_or(t."email" is not distinct from s."email" and s."email" is not null) as same_email,
  bool_or(t."phoneNumber" is not distinct from s."phoneNumber" and s."phoneNumber" is not null) as same_phone
from (
  select s."id" as own_id, t."id" as other_id
  from staged_customer_profiles s
  join "CustomerProfile" t on t."tenantId" = s."tenantId" and t."email" = s."email"
  where t."id"::text not like 'bf11____-____-8___-____-____________'
  union
  select s."id", t."id"
  from staged_customer_profiles s
  join "CustomerProfile" t on t."tenantId" = s."tenantId" and t."phoneNumber" = s."phoneNumber"
  where t."id"::text not like 'bf11____-____-8___-____-____________') as pair
join staged_customer_profiles s on s."id" = pair.own_id
join "CustomerProfile" t on t."id" = pair.other_id
group by s."id", t."id", s."tenantId"
order by 4 desc, 5 desc, 1, 2
limit 20000;
