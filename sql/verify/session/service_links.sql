-- Each service's ids on the profiles, against the rows that were linked: what five checks say, one per service.
create temporary table service_links as
with services (source, shown_as, kind) as (
    values
        ('mca_za', 'mcaV1ZaId', 'MCA_V1_ZA_ID'),
        ('mca_uk', 'mcaV1UkId', 'MCA_V1_UK_ID'),
        ('scl', 'sclMemberId', 'SCL_MEMBER_ID'),
        ('teetime', 'teetimePlayerId', 'TEETIME_PLAYER_ID'),
        ('messaging', 'messagingContactId', 'MESSAGING_CONTACT_ID')
),
linked as (
    select source, source_id, profile_id
    from lent__people
    where profile_id is not null
),
shown as (
    select ids.source, profiles."id"::text as profile_id, ids.source_id
    from our_profiles as profiles
    cross join lateral (
        values
            ('mca_za', profiles."externalIds"::jsonb ->> 'mcaV1ZaId'),
            ('mca_uk', profiles."externalIds"::jsonb ->> 'mcaV1UkId'),
            ('scl', profiles."sclMemberId"::text),
            ('teetime', profiles."teetimePlayerId"::text),
            ('messaging', profiles."messagingContactId"::text)
    ) as ids (source, source_id)
    where ids.source_id is not null
        and not profiles.is_kept
),
aliased as (
    select services.source, aliases."customerId"::text as profile_id, aliases."value" as source_id
    from our_aliases as aliases
    join services on services.kind = aliases."type"::text
),
judged as (
    select services.source, services.shown_as || ' that is no linked row' as item, shown.profile_id as id, linked.source_id is not null as is_right
    from services
    left join shown using (source)
    left join linked
        on linked.source = shown.source and linked.source_id = shown.source_id and linked.profile_id = shown.profile_id
    union all
    select services.source, 'linked rows without an alias', linked.source_id, aliased.source_id is not null
    from services
    left join linked using (source)
    left join aliased
        on aliased.source = linked.source and aliased.source_id = linked.source_id and aliased.profile_id = linked.profile_id
    union all
    select services.source, 'aliases that are no linked row', aliased.source_id, linked.source_id is not null
    from services
    left join aliased using (source)
    left join linked
        on linked.source = aliased.source and linked.source_id = aliased.source_id and linked.profile_id = aliased.profile_id
    union all
    select services.source, 'profiles with linked rows that show none', owners.profile_id, shown.profile_id is not null
    from services
    left join (
        select distinct source, profile_id
        from linked
        where profile_id not in (select id from lent__kept where table_name = 'CustomerProfile')
    ) as owners using (source)
    left join shown on shown.source = owners.source and shown.profile_id = owners.profile_id
)
-- Wrong ids are gathered first and put in order afterwards: an order inside the aggregate would sort all rows by group.
select
    source,
    item,
    count(id) as examined,
    '0' as expected,
    (count(id) filter (where not is_right))::text as observed,
    array(
        select wrong.id
        from unnest(array_agg(id) filter (where id is not null and not is_right)) as wrong (id)
        order by wrong.id
        limit 5
    ) as examples
from judged
group by source, item;
