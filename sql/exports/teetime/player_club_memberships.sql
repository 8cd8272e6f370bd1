select
  pcm."id"::text as id,
  pcm."playerId"::text as player_id,
  pcm."clubId"::text as club_id
from "PlayerClubMembership" pcm
order by pcm."id"::text collate "C";
