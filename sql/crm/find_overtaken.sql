-- Profiles that others changed and whose records the datasets may have given to another profile.
insert into load_standing (id)
select t."id"::text
from load_question q
join "CustomerProfile" t on t."id"::text = q.id
where q.table_name = 'CustomerProfile'
  and t."id"::text like 'bf11____-____-8___-____-____________'
  and t."status"::text <> 'MERGED'
  and to_jsonb(t) ->> 'deletedAt' is null
  and not exists (select from staged_customer_profiles s where s."id" = t."id")
  and exists (select from load_kept k where k.table_name = 'CustomerProfile' and k.id = t."id"::text and k.reason = 'CHANGED')
  and not exists (select from load_kept k where k.table_name = 'CustomerProfile' and k.id = t."id"::text and k.reason <> 'CHANGED');
