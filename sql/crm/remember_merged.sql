insert into backfill.merged as m (id, successor)
select t."id"::text, t."mergedIntoId"::text
from load_standing l
join "CustomerProfile" t on t."id"::text = l.id
on conflict (id) do update
set successor = excluded.successor
where m.successor is distinct from excluded.successor;
