insert into "CustomerSegmentMembership"
select (jsonb_populate_record(null::"CustomerSegmentMembership", b.image)).*
from backfill.before b
where b.table_name = 'CustomerSegmentMembership'
  and exists (select from "CustomerProfile" p where p."id"::text = b.image ->> 'customerId')
  and exists (select from "CustomerSegment" s where s."id"::text = b.image ->> 'segmentId')
on conflict do nothing;
