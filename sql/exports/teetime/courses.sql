select
  c."id"::text as id,
  c."clubId"::text as club_id,
  c."name"::text as name
from "Course" c
order by c."id"::text collate "C";
