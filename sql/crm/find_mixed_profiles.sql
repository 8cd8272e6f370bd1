-- Profiles of the CRM with a record that, since the CRM was exported, was deleted with another profile or merged into another one.
create temp table load_mixed on commit drop as
select l.profile_id as id
from load_record l
join load_withheld w on w.record_key = l.record_key
join "CustomerProfile" t on t."id"::text = l.profile_id
where w.profile_id <> l.profile_id
  and not exists (select from load_redirect r where r.id = l.profile_id)
union
select m.profile_id
from load_merged_records m;
