create temp table load_mixed on commit drop as
select distinct l.profile_id as id
from load_record l
join load_withheld w on w.record_key = l.record_key
join "CustomerProfile" t on t."id"::text = l.profile_id
where w.profile_id <> l.profile_id
  and not exists (select from load_redirect r where r.id = l.profile_id);
