select count(*)
from unnest($1::text[]) as k (id)
where not exists (select from "CustomerProfile" t where t."id"::text = k.id);
