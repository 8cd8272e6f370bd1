create temporary view our_memberships as
select *
from "CustomerSegmentMembership"
where "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8';
