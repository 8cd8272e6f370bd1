with ceilings (rule, ceiling) as (
    values
        ('FOUNDER', 100),
        ('DECISION', 100),
        ('AUTH_USER_ID', 100),
        ('GOLF_RSA_ID', 100),
        ('CDH_ID', 100),
        ('MCA_ID', 100),
        ('EMAIL_PHONE', 99),
        ('EMAIL', 95),
        ('PHONE', 85),
        ('NAME_DOB', 99),
        ('NEAR_EMAIL', 95),
        ('NEAR_PHONE', 85)
),
judged as (
    select people.rule, people.source || ':' || people.source_id as id, people.confidence between 0 and ceilings.ceiling as is_right
    from lent__people as people
    left join ceilings using (rule)
    where people.profile_id is not null
)
select
    rule || ' links above the ceiling of their rule' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where is_right is distinct from true))::text as observed,
    coalesce((array_agg(id order by id) filter (where is_right is distinct from true))[1:5], array[]::text[]) as examples
from judged
group by rule
order by rule;
