select
  c.id::text as id,
  c.name::text as name,
  c.club_code::text as club_code
from clubs c
order by c.id;
