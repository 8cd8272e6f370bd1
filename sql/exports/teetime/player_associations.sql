select
  pa."id"::text as id,
  pa."playerId"::text as player_id,
  pa."associationId"::text as association_id,
  a."associationType"::text as association_type,
  pa."externalId"::text as external_id
from "PlayerAssociation" pa
left join "Association" a on a."id" = pa."associationId"
order by pa."id"::text collate "C";
