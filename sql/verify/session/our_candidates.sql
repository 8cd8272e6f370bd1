create temporary view our_candidates as
select rows.*
from "DuplicateCandidate" as rows
where rows."id"::text like 'bf11%'
    and substr(rows."id"::text, 15, 1) = '8'
    and rows."id"::text not in (select kept.id from lent__kept as kept where kept.table_name = 'DuplicateCandidate');
