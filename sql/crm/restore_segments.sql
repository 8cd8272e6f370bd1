update "CustomerSegment" t
set
  "memberCount" = (b.image ->> 'memberCount')::int,
  "lastRefreshedAt" = (b.image ->> 'lastRefreshedAt')::timestamptz,
  "refreshError" = b.image ->> 'refreshError'
from backfill.before b
where b.table_name = 'CustomerSegment'
  and b.id = t."id"::text;
