insert into backfill.merged (id, successor)
select t."id"::text, t."mergedIntoId"::text
from "CustomerProfile" t
where t."id"::text like 'bf11____-____-8___-____-____________'
  and t."status"::text = 'MERGED'
  and to_jsonb(t) ->> 'updatedBy' is null
on conflict do nothing;
