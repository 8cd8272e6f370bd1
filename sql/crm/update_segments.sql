update "CustomerSegment" t
set
  "memberCount" = n.member_count,
  "lastRefreshedAt" = n.refreshed_at,
  "refreshError" = n.error
from (
  select
    r.segment_id,
    -- Tried before the members are loaded ($1), with the count that they will have.
    case when $1 and r.error is null then r.rule_member_count + coalesce(m.other_count, 0) else coalesce(m.member_count, 0) end as member_count,
    case when r.error is null then r.refreshed_at else s."lastRefreshedAt" end as refreshed_at,
    r.error
  from load_refreshes r
  join "CustomerSegment" s on s."id"::text = r.segment_id
  left join (
    select
      c."segmentId"::text as segment_id,
      count(*)::int as member_count,
      (count(*) filter (where c."source"::text <> 'RULE'))::int as other_count
    from "CustomerSegmentMembership" c
    group by 1) as m on m.segment_id = r.segment_id) as n
where t."id"::text = n.segment_id
  and (t."memberCount", t."lastRefreshedAt", t."refreshError") is distinct from (n.member_count, n.refreshed_at, n.error);
