select
  "id"::text,
  "name"::text,
  "criteria"::text,
  "combinator"::text,
  "clubId"::text,
  "isActive"::text,
  to_char("deletedAt", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
from "CustomerSegment"
where "type"::text = 'DYNAMIC'
order by "id"::text;
