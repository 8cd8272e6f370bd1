create temp table load_redirect on commit drop as
select distinct on (q.id) q.id, q.target_id
from (
  select s."id"::text as id, m.survivor_id as target_id, 1 as place
  from staged_customer_profiles s
  join load_merges m on m.id = s."id"::text
  union all
  select l.profile_id, m.survivor_id, 2
  from load_record l
  join backfill.record r on r.record_key = l.record_key
  join load_merges m on m.id = r.profile_id
  where not exists (select from "CustomerProfile" t where t."id"::text = l.profile_id)
    and l.profile_id <> m.survivor_id) as q
where not exists (select from load_withheld_profiles p where p.id = q.id)
order by q.id, q.place, q.target_id;
