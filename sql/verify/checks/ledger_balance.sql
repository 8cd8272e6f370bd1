with told as (
    select source, entity, sum(row_count)::bigint as row_count
    from lent__outcomes
    group by source, entity
)
select
    coalesce(entities.source, told.source) || '.' || coalesce(entities.entity, told.entity) as item,
    coalesce(entities.row_count, told.row_count) as examined,
    coalesce(entities.row_count, 0)::text as expected,
    coalesce(told.row_count, 0)::text as observed,
    array[]::text[] as examples
from lent__entities as entities
full join told on told.source = entities.source and told.entity = entities.entity
order by 1;
