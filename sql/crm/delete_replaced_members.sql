delete from "CustomerSegmentMembership" t
using load_replaced r
where r.id = t."id"::text;
