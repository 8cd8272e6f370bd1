with sources as (
    select distinct source
    from lent__entities
    union all
    select 'crm-backfill'
),
logged as (
    select distinct
        case when "sourceService" = 'crm-backfill' then 'crm-backfill' else split_part("eventId", ':', 2) end as source
    from "SyncLog"
    where "eventId" like 'backfill:%' and "status"::text = 'SUCCESS' and "processedAt" is not null
)
select
    'sources without their SUCCESS row' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where logged.source is null))::text as observed,
    coalesce((array_agg(sources.source order by sources.source) filter (where logged.source is null))[1:5], array[]::text[])
        as examples
from sources
left join logged using (source);
