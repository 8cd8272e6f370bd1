select
  c.id::text as id,
  c.name::text as name,
  c.code::text as code
from clubs c
order by c.id;
