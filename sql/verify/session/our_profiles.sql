create temporary view our_profiles as
select *
from "CustomerProfile"
where "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8'
    and "status"::text <> 'MERGED';
