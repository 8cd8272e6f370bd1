select
  m."id"::text as id,
  m."contactId"::text as contact_id,
  m."channel"::text as channel,
  m."status"::text as status,
  m."templateId"::text as template_id,
  m."templateName"::text as template_name,
  m."campaignId"::text as campaign_id,
  m."createdAt"::text as created_at
from "MessageLog" m
where m."createdAt"::timestamptz >= coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now())
    - coalesce(nullif(current_setting('backfill.lookback_years', true), '')::int, 2) * interval '1 year'
  or lower(m."status"::text) ~ 'spam|abuse|compla'
order by m."id"::text collate "C";
