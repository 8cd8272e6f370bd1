create temp table load_withheld_profiles on commit drop as
select s."id"::text as id
from staged_customer_profiles s
join backfill.deleted d on d.table_name = 'CustomerProfile' and d.id = s."id"::text
where d.successor is null
union
select l.profile_id
from load_record l
join load_withheld w on w.record_key = l.record_key
where w.successor_id is null
  and not exists (select from "CustomerProfile" t where t."id"::text = l.profile_id);
