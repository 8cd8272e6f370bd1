select
  h.id::text as id,
  h.member_id::text as member_id,
  h.handicap_index::text as handicap_index,
  h.effective_date::text as effective_on
from handicaps h
order by h.id;
