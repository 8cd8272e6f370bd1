with addresses as (
    select source, source_id, 'EMAIL' as kind, email_key as value
    from lent__people
    where email_key is not null
    union
    select source, source_id, 'PHONE', phone_key
    from lent__people
    where phone_key is not null
    union
    select source, source_id, 'GOLF_RSA_ID', golf_rsa_id
    from lent__people
    where golf_rsa_id is not null
    union
    select source, source_id, 'CDH_ID', cdh_id
    from lent__people
    where cdh_id is not null
    union
    select source, source_id, 'AUTH_USER_ID', auth_user_id
    from lent__people
    where auth_user_id is not null
    union
    select source, source_id, 'MCA_ID', mca_id
    from lent__people
    where mca_id is not null
    union
    select source, source_id, 'MCA_ID', source_id
    from lent__people
    where source in ('mca_za', 'mca_uk')
    union
    select source, source_id, kind, value
    from lent__identifiers
    where is_key
),
needs as (
    select people.source, people.source_id, people.profile_id, people.rule, people.matched_source, people.matched_source_id, kinds.kind
    from lent__people as people
    cross join lateral unnest(
        case people.rule when 'EMAIL_PHONE' then array['EMAIL', 'PHONE'] else array[people.rule] end
    ) as kinds (kind)
    where people.rule in ('AUTH_USER_ID', 'GOLF_RSA_ID', 'CDH_ID', 'MCA_ID', 'EMAIL_PHONE', 'EMAIL', 'PHONE')
),
shared as (
    select distinct needs.source, needs.source_id, needs.kind
    from needs
    join addresses as mine
        on mine.source = needs.source and mine.source_id = needs.source_id and mine.kind = needs.kind
    join addresses as theirs
        on theirs.source = needs.matched_source
        and theirs.source_id = needs.matched_source_id
        and theirs.kind = needs.kind
        and theirs.value = mine.value
),
judged as (
    select needs.rule, needs.source || ':' || needs.source_id as id, shared.source_id is not null as is_right
    from needs
    left join shared using (source, source_id, kind)
    union all
    select
        people.rule,
        people.source || ':' || people.source_id,
        people.born_on = matched.born_on
            and least(people.first_key, people.last_key) = least(matched.first_key, matched.last_key)
            and greatest(people.first_key, people.last_key) = greatest(matched.first_key, matched.last_key)
    from lent__people as people
    left join lent__people as matched
        on matched.source = people.matched_source and matched.source_id = people.matched_source_id
    where people.rule = 'NAME_DOB'
)
select
    rule || ' links whose two records do not share it' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where is_right is distinct from true))::text as observed,
    coalesce((array_agg(id order by id) filter (where is_right is distinct from true))[1:5], array[]::text[]) as examples
from judged
group by rule
order by rule;
