with theirs as (
  select distinct a."customerId" as id
  from "Activity" a
  where a."id"::text not like 'bf11____-____-8___-____-____________'
),
kept as (
  update staged_customer_profiles s
  set SCORES
  from "CustomerProfile" t
  join theirs on theirs.id = t."id"
  where t."id" = s."id"
  returning s."id"::text as id
)
insert into load_held (table_name, id, reason)
select 'CustomerProfile', k.id, 'FOREIGN_ACTIVITY'
from kept k;
