insert into load_held (table_name, id, reason)
select 'CustomerProfile', s."id"::text, 'FOREIGN_ACTIVITY'
from staged_customer_profiles s
join "CustomerProfile" t on t."id" = s."id"
where t."id" in (
    select a."customerId"
    from "Activity" a
    where a."id"::text not like 'bf11____-____-8___-____-____________');
