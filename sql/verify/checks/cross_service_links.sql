with people as (
    select
        profile_id,
        bool_or(source = 'scl') as has_scl,
        bool_or(source = 'teetime') as has_teetime,
        bool_or(source = 'messaging') as has_messaging
    from lent__people
    where profile_id is not null
    group by profile_id
),
expected as (
    select
        count(*) as total,
        count(*) filter (where has_scl) as has_scl,
        count(*) filter (where has_teetime) as has_teetime,
        count(*) filter (where has_messaging) as has_messaging,
        count(*) filter (where has_scl and has_teetime) as scl_and_teetime,
        count(*) filter (where has_scl and has_teetime and has_messaging) as all_three
    from people
),
observed as (
    select
        count(*) as total,
        count("sclMemberId") as has_scl,
        count("teetimePlayerId") as has_teetime,
        count("messagingContactId") as has_messaging,
        count(case when "sclMemberId" is not null and "teetimePlayerId" is not null then 1 end) as scl_and_teetime,
        count(case when "sclMemberId" is not null and "teetimePlayerId" is not null and "messagingContactId" is not null then 1 end)
            as all_three
    from our_profiles
)
select
    numbers.item,
    greatest(numbers.expected, numbers.observed) as examined,
    numbers.expected::text as expected,
    numbers.observed::text as observed,
    array[]::text[] as examples
from expected, observed, lateral (
    values
        ('total', expected.total, observed.total),
        ('has_scl', expected.has_scl, observed.has_scl),
        ('has_teetime', expected.has_teetime, observed.has_teetime),
        ('has_messaging', expected.has_messaging, observed.has_messaging),
        ('scl_and_teetime', expected.scl_and_teetime, observed.scl_and_teetime),
        ('all_three', expected.all_three, observed.all_three)
) as numbers (item, expected, observed);
