select
  b."id"::text as id,
  b."playerId"::text as player_id,
  b."courseId"::text as course_id,
  co."name"::text as course_name,
  co."clubId"::text as club_id,
  c."name"::text as club_name,
  b."status"::text as status,
  b."startTime"::text as start_time,
  b."playerCount"::text as player_count,
  b."createdAt"::text as created_at
from "TeeTime" b
left join "Course" co on co."id" = b."courseId"
left join "Club" c on c."id" = co."clubId"
where b."createdAt"::timestamptz >= coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now())
    - coalesce(nullif(current_setting('backfill.lookback_years', true), '')::int, 2) * interval '1 year'
order by b."id"::text collate "C";
