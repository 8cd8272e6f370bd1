select count(*) as left_out_count
from "MessageLog" m
where (m."createdAt"::timestamptz >= coalesce(nullif(current_setting('backfill.as_of', true), '')::timestamptz, now()) - interval '2 years') is not true;
