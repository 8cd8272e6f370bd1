create temporary view our_consents as
select
    rows.*,
    rows."id"::text in (select kept.id from evidence__kept as kept where kept.table_name = 'MarketingConsent') as is_kept
from "MarketingConsent" as rows
-- The case expression prevents the planner from expecting only a few rows.
where case when rows."id"::text like 'bf11%' then substr(rows."id"::text, 15, 1) = '8' else false end;
