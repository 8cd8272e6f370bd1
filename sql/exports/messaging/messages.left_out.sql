select count(*) as left_out_count
from "MessageLog" m
where (
    m."createdAt"::timestamptz >= coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now())
      - coalesce(nullif(current_setting('backfill.lookback_years', true), '')::int, 2) * interval '1 year') is not true
  and (lower(m."status"::text) ~ 'spam|abuse|compla') is not true;
