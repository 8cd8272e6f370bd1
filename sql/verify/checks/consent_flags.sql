with channels (channel) as (
    values ('EMAIL'), ('PUSH'), ('SMS'), ('WHATSAPP')
),
units as materialized (
    select *
    from consent_units
    where profile_id is not null and scope <> 'transactional'
),
refused as (
    select distinct profile_id, channel
    from units
    where is_refused
    union
    select distinct profile_id, channel
    from consent_by_others
    where scope <> 'transactional'
    union
    -- An opt-out that load kept, or that another writer recorded, keeps the flag off.
    select consents."customerId"::text, consents."channel"::text
    from "MarketingConsent" as consents
    where consents."status"::text = 'OPTED_OUT'
        and consents."scope" <> 'transactional'
        and consents."id"::text not in (select "id"::text from our_consents where not is_kept)
),
granted as (
    select profile_id, channel, contact_id
    from units
    where not is_refused
    union
    select people.profile_id, flags.channel, people.source_id
    from evidence__people as people
    cross join evidence__run as run
    cross join lateral (values ('EMAIL', people.email_opt_in), ('SMS', people.sms_opt_in)) as flags (channel, is_set)
    where people.source = 'messaging' and people.profile_id is not null and run.is_weak_consent_enough and flags.is_set
),
profile_forms as (
    select distinct profiles."id"::text as profile_id, addresses.channel, addresses.address
    from our_profiles as profiles
    join consent_addresses as addresses
        on addresses.profile_id = profiles."id"::text
        and addresses.value = case addresses.channel when 'EMAIL' then profiles."email" else profiles."phoneNumber" end
),
shown as (
    select profile_id, channel
    from granted
    where channel = 'PUSH'
    union
    select granted.profile_id, granted.channel
    from granted
    join consent_addresses as addresses
        on addresses.source = 'messaging'
        and addresses.source_id = granted.contact_id
        and addresses.channel = granted.channel
        and addresses.is_first
    join profile_forms
        on profile_forms.profile_id = granted.profile_id
        and profile_forms.channel = granted.channel
        and profile_forms.address = addresses.address
),
dead as (
    select distinct profile_id
    from evidence__people
    where profile_id is not null and status_tag = 'deceased'
),
held as (
    select
        profiles."id"::text as profile_id,
        channels.channel,
        case channels.channel
            when 'EMAIL' then profiles."emailOptIn"
            when 'PUSH' then profiles."pushOptIn"
            when 'SMS' then profiles."smsOptIn"
            else profiles."whatsappOptIn"
        end as is_on
    from our_profiles as profiles
    cross join channels
    where not profiles.is_kept
),
judged as (
    select
        held.channel,
        held.profile_id,
        held.is_on,
        shown.profile_id is not null and refused.profile_id is null and dead.profile_id is null as should_be_on
    from held
    left join shown on shown.profile_id = held.profile_id and shown.channel = held.channel
    left join refused on refused.profile_id = held.profile_id and refused.channel = held.channel
    left join dead on dead.profile_id = held.profile_id
)
select
    channel || ' flags that are on and should be off' as item,
    count(*) as examined,
    '0' as expected,
    (count(*) filter (where is_on and not should_be_on))::text as observed,
    coalesce((array_agg(profile_id order by profile_id) filter (where is_on and not should_be_on))[1:5], array[]::text[]) as examples
from judged
group by channel
union all
select
    channel || ' flags that are off and should be on',
    count(*),
    '0',
    (count(*) filter (where not is_on and should_be_on))::text,
    coalesce((array_agg(profile_id order by profile_id) filter (where not is_on and should_be_on))[1:5], array[]::text[])
from judged
group by channel
order by 1;
