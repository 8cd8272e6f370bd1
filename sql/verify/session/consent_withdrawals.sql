create temporary table consent_withdrawals as
with reach as (
    select case when is_suppression_global then '' end as everywhere
    from evidence__run
),
spoken as (
    select
        units.*,
        addresses.address,
        coalesce(reach.everywhere, units.tenant_id) as reach_id
    from consent_units as units
    join consent_addresses as addresses
        on addresses.source = 'messaging' and addresses.source_id = units.contact_id and addresses.channel = units.channel
    cross join reach
),
acts as (
    select reach_id, channel, address, scope, max(act_at) as act_at
    from spoken
    where not is_deleted
    group by reach_id, channel, address, scope
)
select
    reach_id,
    channel,
    address,
    scope,
    decided_at as revoked_at,
    is_by_flag,
    contact_id,
    profile_id,
    true as is_of_this_run
from spoken
where is_refused
union all
select
    coalesce(reach.everywhere, earlier.tenant_id),
    earlier.channel,
    earlier.address,
    earlier.scope,
    earlier.revoked_at,
    earlier.revoked_at is null,
    null,
    null,
    false
from evidence__withdrawals as earlier
cross join reach
left join acts
    on acts.reach_id = coalesce(reach.everywhere, earlier.tenant_id)
    and acts.channel = earlier.channel
    and acts.address = earlier.address
    and acts.scope = earlier.scope
where acts.act_at is null or acts.act_at <= earlier.lifted_after;
