select
  pp."id"::text as id,
  pp."playerId"::text as player_id,
  pp."key"::text as key,
  pp."value"::text as value
from "PlayerPreference" pp
order by pp."id"::text collate "C";
