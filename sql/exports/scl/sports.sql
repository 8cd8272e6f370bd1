select
  s."id"::text as id,
  s."name"::text as name
from "Sport" s
order by s."id";
