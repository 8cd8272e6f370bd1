with compared as (
    select
        held."id"::text as id,
        array_remove(
            array[
                case when held."tenantId" is distinct from filed.tenant_id then 'tenantId' end,
                case when held."authUserId" is distinct from filed.auth_user_id then 'authUserId' end,
                case when held."email" is distinct from filed.email then 'email' end,
                case when held."phoneNumber" is distinct from filed.phone_number then 'phoneNumber' end,
                case when held."sclMemberId"::text is distinct from filed.scl_member_id::text then 'sclMemberId' end,
                case when held."teetimePlayerId"::text is distinct from filed.teetime_player_id::text then 'teetimePlayerId' end,
                case when held."messagingContactId"::text is distinct from filed.messaging_contact_id::text then 'messagingContactId' end,
                case when held."externalIds"::jsonb is distinct from filed.external_ids::jsonb then 'externalIds' end,
                case when held."firstName" is distinct from filed.first_name then 'firstName' end,
                case when held."lastName" is distinct from filed.last_name then 'lastName' end,
                case when held."displayName" is distinct from filed.display_name then 'displayName' end,
                case when held."dateOfBirth" is distinct from filed.date_of_birth then 'dateOfBirth' end,
                case when held."gender"::text is distinct from filed.gender::text then 'gender' end,
                case when held."status"::text is distinct from filed.status::text then 'status' end,
                case when held."lifecycleStage"::text is distinct from filed.lifecycle_stage::text then 'lifecycleStage' end,
                case when held."tags"::text[] is distinct from filed.tags then 'tags' end,
                case when held."handicap" is distinct from filed.handicap then 'handicap' end,
                case when held."handicapUpdatedAt" is distinct from filed.handicap_updated_at then 'handicapUpdatedAt' end,
                case when held."homeClubId"::text is distinct from filed.home_club_id::text then 'homeClubId' end,
                case when held."homeClubName" is distinct from filed.home_club_name then 'homeClubName' end,
                case when held."membershipStatus" is distinct from filed.membership_status then 'membershipStatus' end,
                case when held."membershipTier" is distinct from filed.membership_tier then 'membershipTier' end,
                case when held."memberSince" is distinct from filed.member_since then 'memberSince' end,
                case when held."membershipExpiry" is distinct from filed.membership_expiry then 'membershipExpiry' end,
                case when held."emailOptIn" is distinct from filed.email_opt_in then 'emailOptIn' end,
                case when held."smsOptIn" is distinct from filed.sms_opt_in then 'smsOptIn' end,
                case when held."pushOptIn" is distinct from filed.push_opt_in then 'pushOptIn' end,
                case when held."whatsappOptIn" is distinct from filed.whatsapp_opt_in then 'whatsappOptIn' end,
                case when held."source" is distinct from filed.source then 'source' end,
                case when held."firstSeenAt" is distinct from filed.first_seen_at then 'firstSeenAt' end
            ],
            null
        ) as differing
    from our_profiles as held
    join crm__customer_profiles as filed on filed.id = held."id"::text
    where not held.is_kept
)
select
    columns.name || ' that is not the file''s' as item,
    (select count(*) from compared) as examined,
    '0' as expected,
    count(compared.id)::text as observed,
    coalesce((array_agg(compared.id order by compared.id) filter (where compared.id is not null))[1:5], array[]::text[]) as examples
from (
    values
        ('tenantId'),
        ('authUserId'),
        ('email'),
        ('phoneNumber'),
        ('sclMemberId'),
        ('teetimePlayerId'),
        ('messagingContactId'),
        ('externalIds'),
        ('firstName'),
        ('lastName'),
        ('displayName'),
        ('dateOfBirth'),
        ('gender'),
        ('status'),
        ('lifecycleStage'),
        ('tags'),
        ('handicap'),
        ('handicapUpdatedAt'),
        ('homeClubId'),
        ('homeClubName'),
        ('membershipStatus'),
        ('membershipTier'),
        ('memberSince'),
        ('membershipExpiry'),
        ('emailOptIn'),
        ('smsOptIn'),
        ('pushOptIn'),
        ('whatsappOptIn'),
        ('source'),
        ('firstSeenAt')
) as columns (name)
left join (
    select id, differing
    from compared
    where cardinality(differing) > 0
) as compared on columns.name = any (compared.differing)
group by columns.name
order by columns.name;
