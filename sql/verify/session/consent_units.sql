create temporary table consent_units as
with evidence as (
    select
        contact_id,
        channel,
        scope,
        max(at) filter (where entity = 'consent_changes' and is_grant and is_act) as act_at,
        max(at) filter (where entity = 'consent_changes' and is_grant) as logged_grant_at,
        max(at) filter (where entity = 'consent_changes' and not is_grant) as logged_opt_out_at,
        max(at) filter (where entity = 'preferences' and is_grant) as preferred_grant_at,
        max(greatest(at, changed_at)) filter (where entity = 'preferences' and not is_grant) as preferred_opt_out_at,
        max(at) filter (where entity = 'messages') as complained_at,
        max(at) filter (where entity = 'contacts') as unreadable_flag_at
    from evidence__consents
    group by contact_id, channel, scope
),
weighed as (
    select
        evidence.*,
        people.profile_id,
        coalesce(people.own_tenant_id, people.tenant_id, run.default_tenant_id) as tenant_id,
        people.deleted_at is not null as is_deleted,
        run.is_false_flag_withdrawal
            and evidence.scope <> 'transactional'
            and case evidence.channel when 'EMAIL' then people.email_opt_in when 'SMS' then people.sms_opt_in end is false
            as has_false_flag,
        least(coalesce(people.updated_at, run.as_of), run.as_of) as flagged_at
    from evidence
    join evidence__people as people on people.source = 'messaging' and people.source_id = evidence.contact_id
    cross join evidence__run as run
),
decided as (
    select
        weighed.*,
        case
            when logged_opt_out_at >= coalesce(act_at, logged_opt_out_at) then 'LOG'
            when complained_at >= coalesce(act_at, complained_at) then 'COMPLAINT'
            when preferred_opt_out_at >= coalesce(act_at, preferred_opt_out_at) then 'PREFERENCE'
            when unreadable_flag_at >= coalesce(act_at, unreadable_flag_at) then 'FLAG'
            when has_false_flag
                and coalesce(logged_grant_at, preferred_grant_at) is not null
                and flagged_at >= coalesce(act_at, flagged_at) then 'FLAG'
        end as refused_by
    from weighed
)
select
    contact_id,
    channel,
    scope,
    profile_id,
    tenant_id,
    is_deleted,
    act_at,
    refused_by is not null as is_refused,
    refused_by is not distinct from 'FLAG' as is_by_flag,
    case refused_by
        when 'LOG' then logged_opt_out_at
        when 'COMPLAINT' then complained_at
        when 'PREFERENCE' then preferred_opt_out_at
        when 'FLAG' then null
        else coalesce(logged_grant_at, preferred_grant_at)
    end as decided_at,
    logged_grant_at is not null as is_logged
from decided
where refused_by is not null or coalesce(logged_grant_at, preferred_grant_at) is not null;
