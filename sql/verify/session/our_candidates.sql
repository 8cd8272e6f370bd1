create temporary view our_candidates as
select *
from "DuplicateCandidate"
where "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8';
