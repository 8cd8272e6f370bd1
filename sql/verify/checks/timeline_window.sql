with judged as (
    select
        activities."category"::text as kind,
        activities."id"::text as id,
        early.source_id is null
            and (activities."category"::text <> 'COMMUNICATION' or activities."occurredAt" >= run.window_from) as is_right
    from our_activities as activities
    cross join lent__run as run
    left join lent__early_rows as early
        on early.service = activities."sourceService" and early.source_id = activities."sourceId"
    where activities."category"::text in ('BOOKING', 'COMMUNICATION')
)
select
    kind || ' made before the look-back' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where not is_right))::text as observed,
    coalesce((array_agg(id order by id) filter (where not is_right))[1:5], array[]::text[]) as examples
from judged
group by kind
order by kind;
