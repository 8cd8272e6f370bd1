with judged as (
    select
        fields.item,
        profiles."id"::text as id,
        fields.is_shown or named.profile_id is not null as is_examined,
        fields.is_equal and coalesce(named.is_own, true) as is_right
    from our_profiles as profiles
    left join named_rows as named on named.profile_id = profiles."id"::text and named.field = 'handicap'
    cross join lateral (
        values
            ('handicap', profiles."handicap" is not null, profiles."handicap" is not distinct from named.handicap),
            (
                'handicapUpdatedAt',
                profiles."handicapUpdatedAt" is not null,
                profiles."handicapUpdatedAt" is not distinct from named.handicap_at
            )
    ) as fields (item, is_shown, is_equal)
    where not profiles.is_kept
)
select
    item || ' that is not its source row''s' as item,
    count(*) filter (where is_examined) as examined,
    '0' as expected,
    (count(*) filter (where not is_right))::text as observed,
    coalesce((array_agg(id order by id) filter (where not is_right))[1:5], array[]::text[]) as examples
from judged
group by item
union all
select
    'profiles without the handicap that a linked player has',
    count(distinct people.profile_id),
    '0',
    (count(distinct people.profile_id) filter (where named.profile_id is null))::text,
    coalesce((array_agg(distinct people.profile_id) filter (where named.profile_id is null))[1:5], array[]::text[])
from lent__people as people
left join named_rows as named
    on named.profile_id = people.profile_id and named.field = 'handicap' and named.source = 'teetime'
where people.source = 'teetime' and people.handicap is not null and people.profile_id is not null
order by 1;
