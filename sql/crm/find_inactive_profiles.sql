create temp table load_inactive on commit drop as
select d."id"::text as id
from load_soft_deleted d
union
select t."id"::text
from "CustomerProfile" t
join load_kept k on k.table_name = 'CustomerProfile' and k.id = t."id"::text
where t."status"::text = 'MERGED';
