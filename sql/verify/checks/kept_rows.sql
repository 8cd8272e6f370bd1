select
    table_name || ' ' || reason as item,
    count(*) as examined,
    count(*)::text as expected,
    count(*)::text as observed,
    (array_agg(id order by id))[1:5] as examples
from lent__kept
group by table_name, reason
order by table_name, reason;
