create temporary view our_consents as
select *
from "MarketingConsent"
where "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8';
