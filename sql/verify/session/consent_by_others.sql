create temporary table consent_by_others as
select
    profiles."id"::text as profile_id,
    withdrawals.channel,
    withdrawals.scope,
    withdrawals.revoked_at,
    withdrawals.is_by_flag,
    withdrawals.is_of_this_run
from our_profiles as profiles
join (
    select distinct profile_id, channel, address
    from consent_addresses
    where profile_id is not null
) as carried on carried.profile_id = profiles."id"::text
cross join evidence__run as run
join consent_withdrawals as withdrawals
    on withdrawals.channel = carried.channel
    and withdrawals.address = carried.address
    and withdrawals.reach_id = case when run.is_suppression_global then '' else profiles."tenantId" end
    and withdrawals.profile_id is distinct from carried.profile_id;
