with named as (
    select provenance.field, provenance.profile_id, people.*
    from lent__provenance as provenance
    left join (
        select source, source_id, profile_id as owner_id, membership_status, membership_tier, handicap, handicap_at
        from lent__people
    ) as people on people.source = provenance.source and people.source_id = provenance.source_id
),
judged as (
    select
        'handicap' as item,
        profiles."id"::text as id,
        profiles."handicap" is not null or named.profile_id is not null as is_examined,
        profiles."handicap" is not distinct from named.handicap
            and (named.profile_id is null or named.owner_id = named.profile_id) as is_right
    from our_profiles as profiles
    left join named on named.profile_id = profiles."id"::text and named.field = 'handicap'
    where not profiles.is_kept
    union all
    select
        'handicapUpdatedAt' as item,
        profiles."id"::text as id,
        profiles."handicapUpdatedAt" is not null or named.profile_id is not null as is_examined,
        profiles."handicapUpdatedAt" is not distinct from named.handicap_at
            and (named.profile_id is null or named.owner_id = named.profile_id) as is_right
    from our_profiles as profiles
    left join named on named.profile_id = profiles."id"::text and named.field = 'handicap'
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
    (count(distinct people.profile_id) filter (where provenance.profile_id is null))::text,
    coalesce((array_agg(distinct people.profile_id) filter (where provenance.profile_id is null))[1:5], array[]::text[])
from lent__people as people
left join lent__provenance as provenance
    on provenance.profile_id = people.profile_id and provenance.field = 'handicap' and provenance.source = 'teetime'
where people.source = 'teetime' and people.handicap is not null and people.profile_id is not null
order by 1;
