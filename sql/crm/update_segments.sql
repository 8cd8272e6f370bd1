update "CustomerSegment" t
set
  "memberCount" = n.member_count,
  "lastRefreshedAt" = n.refreshed_at,
  "refreshError" = n.error
from (
  select
    r.segment_id,
    coalesce(m.member_count, 0) as member_count,
    case when r.error is null then r.refreshed_at else s."lastRefreshedAt" end as refreshed_at,
    r.error
  from load_refreshes r
  join "CustomerSegment" s on s."id"::text = r.segment_id
  left join (
    select c."segmentId"::text as segment_id, count(*)::int as member_count
    from "CustomerSegmentMembership" c
    group by 1) as m on m.segment_id = r.segment_id) as n
where t."id"::text = n.segment_id
  and (t."memberCount", t."lastRefreshedAt", t."refreshError") is distinct from (n.member_count, n.refreshed_at, n.error);
