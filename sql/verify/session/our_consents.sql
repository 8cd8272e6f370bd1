create temporary view our_consents as
select
    rows.*,
    exists (select from lent__kept as kept where kept.table_name = 'MarketingConsent' and kept.id = rows."id"::text) as is_kept
from "MarketingConsent" as rows
where rows."id"::text like 'bf11%'
    and substr(rows."id"::text, 15, 1) = '8';
