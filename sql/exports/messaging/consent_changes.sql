select
  l."id"::text as id,
  l."contactId"::text as contact_id,
  l."channel"::text as channel,
  l."scope"::text as scope,
  l."source"::text as source,
  l."consentBefore"::text as consent_before,
  l."consentAfter"::text as consent_after,
  l."createdAt"::text as created_at
from "ConsentChangeLog" l
order by l."id"::text collate "C";
