with pairs as (
  select p.*
  from jsonb_populate_recordset(null::staged_duplicate_candidates, $1::text::jsonb) as p
),
held as (
  insert into load_held (table_name, id, reason)
  select 'DuplicateCandidate', p."id"::text, 'FOREIGN_PROFILE'
  from pairs p
)
insert into staged_duplicate_candidates
select p.*
from pairs p;
