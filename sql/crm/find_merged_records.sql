-- Records of profiles that were merged since the CRM was exported, if the datasets give them to other profiles than those merges.
create temp table load_merged_records on commit drop as
select
  l.record_key,
  l.profile_id,
  m.id as gone_id,
  m.survivor_id
from load_record l
join backfill.record r on r.record_key = l.record_key
join load_merges m on m.id = r.profile_id
join "CustomerProfile" t on t."id"::text = l.profile_id
where m.survivor_id <> l.profile_id
  and not exists (select from load_redirect d where d.id = l.profile_id)
  and not exists (select from load_known_merges k where k.id = m.id);
