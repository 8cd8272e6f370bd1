create temp table load_renamed on commit drop as
select distinct on (r.target_id) r.id, r.target_id
from load_redirect r
join "CustomerProfile" t on t."id"::text = r.target_id
join load_question q on q.table_name = 'CustomerProfile' and q.id = r.target_id
where r.target_id like 'bf11____-____-8___-____-____________'
  and t."status"::text <> 'MERGED'
  and not exists (select from staged_customer_profiles s where s."id"::text = r.target_id)
order by r.target_id, r.id;
