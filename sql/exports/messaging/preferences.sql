select
  p."id"::text as id,
  p."contactId"::text as contact_id,
  p."channel"::text as channel,
  p."scope"::text as scope,
  p."optedIn"::text as opted_in,
  p."createdAt"::text as created_at,
  p."updatedAt"::text as updated_at
from "ContactPreference" p
order by p."id"::text collate "C";
