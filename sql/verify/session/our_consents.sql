create temporary view our_consents as
select
    rows.*,
    rows."id"::text in (select kept.id from evidence__kept as kept where kept.table_name = 'MarketingConsent') as is_kept
from "MarketingConsent" as rows
-- A case keeps the planner from thinking that only a few ids are ours.
where case when rows."id"::text like 'bf11%' then substr(rows."id"::text, 15, 1) = '8' else false end;
