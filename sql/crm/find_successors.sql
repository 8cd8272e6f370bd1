with shared as (
  select a."customerId"::text as id, s."customerId"::text as successor, count(*) as records
  from "IdentityAlias" a
  join staged_identity_aliases s on s."type" = a."type" and s."value" = a."value"
  where a."type"::text = any ($1)
    and a."customerId" <> s."customerId"
    and (
      a."customerId"::text not like 'bf11____-____-8___-____-____________'
      or exists (select from load_question q where q.table_name = 'CustomerProfile' and q.id = a."customerId"::text))
    and not exists (select from staged_customer_profiles p where p."id" = a."customerId")
  group by a."customerId", s."customerId"
),
best as (
  select distinct on (id) id, successor
  from shared
  order by id, records desc, successor
)
update load_standing l
set successor = coalesce(
  (select b.successor from best b where b.id = l.id),
  (
    select t."mergedIntoId"::text
    from "CustomerProfile" t
    where t."id"::text = l.id
      and t."mergedIntoId"::text not in (select d.id from load_delete d where d.table_name = 'CustomerProfile')),
  (
    select b.successor
    from "CustomerProfile" t
    join best b on b.id = t."mergedIntoId"::text
    where t."id"::text = l.id));
