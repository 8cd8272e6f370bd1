select
  sm."id"::text as id,
  sm."memberId"::text as member_id,
  sm."sportId"::text as sport_id,
  s."name"::text as sport_name,
  sm."status"::text as status,
  sm."createdAt"::text as created_at,
  sm."updatedAt"::text as updated_at
from "SportMembership" sm
left join "Sport" s on s."id" = sm."sportId"
order by sm."id";
