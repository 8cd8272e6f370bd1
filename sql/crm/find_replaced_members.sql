create temp table load_replaced on commit drop as
select t."id"::text as id
from "CustomerSegmentMembership" t
join load_refreshes r on r.segment_id = t."segmentId"::text and r.error is null
where t."source"::text = 'RULE'
  and t."id"::text not like 'bf11____-____-8___-____-____________';
