select
  p."id"::text as id,
  p."email"::text as email,
  p."phone"::text as phone,
  p."name"::text as name,
  p."surname"::text as surname,
  p."handicap"::text as handicap,
  p."handicapUpdatedAt"::text as handicap_updated_at,
  p."homeClubId"::text as home_club_id,
  home."name"::text as home_club_name,
  home."tenantId"::text as home_club_tenant_id,
  clubs.tenant_id as club_tenant_id,
  p."createdAt"::text as created_at,
  p."updatedAt"::text as updated_at,
  booked.first_booking_at::text as first_booking_at
from "Player" p
left join "Club" home on home."id" = p."homeClubId"
left join (
  select
    pcm."playerId" as player_id,
    min(c."tenantId"::text) as tenant_id
  from "PlayerClubMembership" pcm
  join "Club" c on c."id" = pcm."clubId"
  group by pcm."playerId"
  having count(distinct c."tenantId") = 1
) clubs on clubs.player_id = p."id"
left join (
  select
    t."playerId" as player_id,
    min(coalesce(t."createdAt"::timestamptz, t."startTime"::timestamptz)) as first_booking_at
  from "TeeTime" t
  group by t."playerId"
) booked on booked.player_id = p."id"
order by p."id"::text collate "C";
