with held as (
    select
        "segmentId"::text as segment_id,
        count(*) as member_count,
        count(*) filter (where "source" = 'RULE') as rule_member_count
    from "CustomerSegmentMembership"
    group by 1
)
select
    'segments whose rule members are not those computed' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where refreshed.rule_member_count <> coalesce(held.rule_member_count, 0)))::text as observed,
    coalesce(
        (
            array_agg(refreshed.segment_id order by refreshed.segment_id)
            filter (where refreshed.rule_member_count <> coalesce(held.rule_member_count, 0))
        )[1:5],
        array[]::text[]
    ) as examples
from lent__segments as refreshed
left join held using (segment_id)
where not refreshed.is_failed
union all
select
    'segments whose memberCount is not the number of their members',
    count(*),
    '0',
    (count(*) filter (where segments."memberCount" <> coalesce(held.member_count, 0)))::text,
    coalesce(
        (
            array_agg(segments."id"::text order by segments."id")
            filter (where segments."memberCount" <> coalesce(held.member_count, 0))
        )[1:5],
        array[]::text[]
    )
from lent__segments as refreshed
join "CustomerSegment" as segments on segments."id"::text = refreshed.segment_id
left join held using (segment_id)
where not refreshed.is_failed
order by 1;
