create temporary view our_activities as
select *
from "Activity"
where "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8';
