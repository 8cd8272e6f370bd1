insert into evidence__kept (table_name, id, reason)
select 'CustomerProfile', "id"::text, 'CHANGED'
from "CustomerProfile"
where "updatedBy" is not null
    and "id"::text like 'bf11%'
    and substr("id"::text, 15, 1) = '8'
    and "id"::text not in (select id from evidence__kept where table_name = 'CustomerProfile');
