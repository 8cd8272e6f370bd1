with gone as (
  delete from staged_memberships s
  using load_inactive i
  where i.id = s."customerId"::text
  returning s."id"::text as id
)
insert into load_held (table_name, id, reason)
select 'CustomerSegmentMembership', g.id, 'NOT_ACTIVE'
from gone g;
