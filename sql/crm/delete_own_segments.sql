delete from "CustomerSegment" t
where t."id"::text like 'bf11____-____-8___-____-____________'
  and not exists (select from "CustomerSegmentMembership" m where m."segmentId" = t."id");
