create temporary view our_aliases as
select *
from "IdentityAlias"
where "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8';
