insert into load_held (table_name, id, reason)
select 'DuplicateCandidate', t."id"::text, 'REVIEWED'
from load_question q
join "DuplicateCandidate" t on t."id"::text = q.id
where q.table_name = 'DuplicateCandidate'
  and t."id"::text like 'bf11____-____-8___-____-____________'
  and not exists (select from staged_duplicate_candidates s where s."id" = t."id")
  and not exists (select from load_delete d where d.table_name = 'DuplicateCandidate' and d.id = t."id"::text)
union all
select 'CustomerSegmentMembership', t."id"::text, 'NOT_REFRESHED'
from load_question q
join "CustomerSegmentMembership" t on t."id"::text = q.id
where q.table_name = 'CustomerSegmentMembership'
  and t."id"::text like 'bf11____-____-8___-____-____________'
  and not exists (select from staged_memberships s where s."id" = t."id")
  and not exists (select from load_delete d where d.table_name = 'CustomerSegmentMembership' and d.id = t."id"::text);
