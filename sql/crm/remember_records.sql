insert into backfill.record as r (record_key, profile_id)
select l.record_key, coalesce(p.profile_id, l.profile_id)
from load_record l
left join (
  select o.profile_id as id, min(w.profile_id) as profile_id
  from load_record o
  join load_withheld w on w.record_key = o.record_key
  join load_withheld_profiles h on h.id = o.profile_id
  group by o.profile_id) as p on p.id = l.profile_id
where not exists (select from load_withheld w where w.record_key = l.record_key)
  and not exists (select from load_merged_records m where m.record_key = l.record_key)
  and not exists (select from load_redirect x where x.id = l.profile_id)
on conflict (record_key) do update
set profile_id = excluded.profile_id
where r.profile_id <> excluded.profile_id;
