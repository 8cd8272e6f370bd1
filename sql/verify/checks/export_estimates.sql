select
    source || '.' || entity as item,
    row_count as examined,
    'within 25 % of ' || estimate as expected,
    case
        when abs(row_count - estimate) * 4 <= estimate then 'within 25 % of ' || estimate
        else row_count || ' rows'
    end as observed,
    array[]::text[] as examples
from lent__entities
where estimate is not null
order by source, entity;
