select count(*)
from unnest($1::text[]) as k (id)
where not exists (select from "CustomerProfile" t where t."id"::text = k.id)
  and not exists (select from backfill.written w where w.table_name = 'CustomerProfile' and w.id = k.id)
  and not exists (select from backfill.deleted d where d.table_name = 'CustomerProfile' and d.id = k.id);
