select reason, count(distinct (table_name, id))
from (
  select table_name, id, reason from load_kept
  union all
  select table_name, id, reason from load_held) as k
group by reason
order by reason;
