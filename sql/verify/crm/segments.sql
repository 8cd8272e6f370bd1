select
  s."id"::text as id,
  to_jsonb(s)::text as image,
  to_char(s."lastRefreshedAt", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as last_refreshed_at,
  to_char(s."deletedAt", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as deleted_at,
  s."criteria"::text as criteria,
  coalesce(m.member_count, 0) as member_count,
  coalesce(m.foreign_rule_member_count, 0) as foreign_rule_member_count
from "CustomerSegment" s
left join (
  select
    c."segmentId",
    count(*) as member_count,
    count(*) filter (
      where c."source"::text = 'RULE' and c."id"::text not like 'bf11____-____-8___-____-____________'
    ) as foreign_rule_member_count
  from "CustomerSegmentMembership" c
  group by c."segmentId"
) m on m."segmentId" = s."id"
order by s."id"::text collate "C";
