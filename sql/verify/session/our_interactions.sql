create temporary view our_interactions as
select *
from "CampaignInteraction"
where "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8';
