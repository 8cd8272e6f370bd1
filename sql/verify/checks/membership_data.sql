with judged as (
    select
        fields.item,
        profiles."id"::text as id,
        fields.held is not null or named.profile_id is not null as is_examined,
        fields.held is not distinct from case fields.item when 'membershipTier' then named.membership_tier else named.membership_status end
            and coalesce(named.is_own, true) as is_right
    from our_profiles as profiles
    cross join lateral (
        values
            ('membershipStatus', 'membership_status', profiles."membershipStatus"),
            ('membershipTier', 'membership_tier', profiles."membershipTier")
    ) as fields (item, field, held)
    left join named_rows as named on named.profile_id = profiles."id"::text and named.field = fields.field
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
    'profiles without the status that a linked member has',
    count(distinct people.profile_id),
    '0',
    (count(distinct people.profile_id) filter (where profiles."membershipStatus" is null))::text,
    coalesce(
        (array_agg(distinct people.profile_id) filter (where profiles."membershipStatus" is null))[1:5], array[]::text[]
    )
from lent__people as people
join our_profiles as profiles on profiles."id"::text = people.profile_id and not profiles.is_kept
where people.source = 'scl' and people.membership_status is not null
order by 1;
