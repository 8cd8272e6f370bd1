with gone as (
  delete from staged_memberships s
  using "CustomerProfile" t
  where t."id" = s."customerId"
    and (
      exists (select from load_soft_deleted d where d."id" = t."id")
      or (t."status"::text = 'MERGED' and exists (
        select from load_kept k where k.table_name = 'CustomerProfile' and k.id = t."id"::text)))
  returning s."id"::text as id
)
insert into load_held (table_name, id, reason)
select 'CustomerSegmentMembership', g.id, 'NOT_ACTIVE'
from gone g;
