with theirs as (
  select distinct a."customerId" as id
  from "Activity" a
  where a."id"::text not like 'bf11____-____-8___-____-____________'
)
insert into load_held (table_name, id, reason)
select 'CustomerProfile', t."id"::text, 'FOREIGN_ACTIVITY'
from "CustomerProfile" t
join theirs on theirs.id = t."id"
where exists (select from staged_customer_profiles s where s."id" = t."id")
  -- The other profiles of the datasets are equal, scores as well.
  or (
    t."id"::text like 'bf11____-____-8___-____-____________'
    and not exists (select from load_question q where q.table_name = 'CustomerProfile' and q.id = t."id"::text));
