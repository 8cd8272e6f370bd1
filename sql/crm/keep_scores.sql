with other as (
  select a."customerId"::text as id, 'FOREIGN_ACTIVITY' as reason
  from "Activity" a
  where $1::boolean
    and a."id"::text not like 'bf11____-____-8___-____-____________'
  union
  select o.id, o.reason
  from load_other_scores o
  union
  select a."customerId"::text, 'OTHER_TIMELINE'
  from load_kept k
  join "Activity" a on a."id"::text = k.id
  where k.table_name = 'Activity'
)
insert into load_held (table_name, id, reason)
select 'CustomerProfile', t."id"::text, other.reason
from "CustomerProfile" t
join other on other.id = t."id"::text
where exists (select from staged_customer_profiles s where s."id" = t."id")
  -- The other profiles of the datasets are equal, scores as well.
  or (
    t."id"::text like 'bf11____-____-8___-____-____________'
    and not exists (select from load_question q where q.table_name = 'CustomerProfile' and q.id = t."id"::text));
