select
  a."id"::text as id,
  a."associationType"::text as association_type,
  a."name"::text as name
from "Association" a
order by a."id"::text collate "C";
