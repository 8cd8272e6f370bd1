insert into backfill.before (table_name, id, run_id, image)
select 'CustomerSegmentMembership', t."id"::text, $1, to_jsonb(t)
from "CustomerSegmentMembership" t
join load_replaced r on r.id = t."id"::text
on conflict do nothing;
