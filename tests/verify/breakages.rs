//! What is broken in a loaded CRM, one thing at a time, with the comparisons that must see it.

/// What is done to the CRM, and which comparisons (`check: item`) must then differ; others may differ too.
pub struct Breakage {
    /// The statement.
    pub sql: String,
    /// The comparisons.
    pub seen_by: Vec<String>,
}

/// The row with the smallest id among those of a condition.
fn first(table: &str, condition: &str) -> String {
    format!(r#""id" = (select min("id") from "{table}" where {condition})"#)
}

fn breakage(seen_by: &[&str], sql: impl Into<String>) -> Breakage {
    Breakage { sql: sql.into(), seen_by: seen_by.iter().map(|name| (*name).to_owned()).collect() }
}

/// Several at once, each of which its own comparisons see: a copy of the CRM for each would take too long.
fn together(several: impl IntoIterator<Item = Breakage>) -> Breakage {
    let (statements, seen_by): (Vec<_>, Vec<_>) = several.into_iter().map(|one| (one.sql, one.seen_by)).unzip();
    Breakage { sql: statements.join(";\n"), seen_by: seen_by.concat() }
}

/// Changes a profile.
fn profile(seen_by: &[&str], set: &str, condition: &str) -> Breakage {
    breakage(seen_by, format!(r#"update "CustomerProfile" set {set} where {}"#, first("CustomerProfile", condition)))
}

/// Everything.
pub fn all() -> Vec<Breakage> {
    [rows(), profiles(), links(), consents(), timeline(), scores()].into_iter().flatten().collect()
}

/// Columns of a profile with another value for each.
const OTHER: [(&str, &str); 30] = [
    ("tenantId", "'9'"),
    ("authUserId", "'auth0|nobody'"),
    ("email", "'stranger@mail.test'"),
    ("phoneNumber", "'+27115550100'"),
    ("sclMemberId", "987654"),
    ("teetimePlayerId", "'nobody'"),
    ("messagingContactId", "'nobody'"),
    ("externalIds", "'{\"mcaV1ZaId\": \"987654\"}'"),
    ("firstName", "'Nobody'"),
    ("lastName", "'Nobody'"),
    ("displayName", "'Nobody'"),
    ("dateOfBirth", "'1901-02-03'"),
    ("gender", "'OTHER'"),
    ("status", "'INACTIVE'"),
    ("lifecycleStage", "'ADVOCATE'"),
    ("tags", "'{vip}'"),
    ("handicap", "99.9"),
    ("handicapUpdatedAt", "'2001-01-01'"),
    ("homeClubId", "'nowhere'"),
    ("homeClubName", "'Nowhere'"),
    ("membershipStatus", "'HONORARY'"),
    ("membershipTier", "'Mica'"),
    ("memberSince", "'2001-01-01'"),
    ("membershipExpiry", "'2001-01-01'"),
    ("emailOptIn", "not \"emailOptIn\""),
    ("smsOptIn", "not \"smsOptIn\""),
    ("pushOptIn", "not \"pushOptIn\""),
    ("whatsappOptIn", "not \"whatsappOptIn\""),
    ("source", "'nowhere'"),
    ("firstSeenAt", "'2001-01-01'"),
];

/// Tables with the dataset that fills them.
const TABLES: [(&str, &str); 7] = [
    ("CustomerProfile", "crm__customer_profiles"),
    ("IdentityAlias", "crm__identity_aliases"),
    ("MarketingConsent", "crm__marketing_consents"),
    ("Activity", "crm__activities"),
    ("CampaignInteraction", "crm__campaign_interactions"),
    ("DuplicateCandidate", "crm__duplicate_candidates"),
    ("CustomerSegmentMembership", "seg__memberships"),
];

fn rows() -> Vec<Breakage> {
    let deleted = TABLES.iter().rev().map(|(table, dataset)| {
        let seen_by = [format!("record_counts: {dataset}")];
        Breakage { sql: format!(r#"delete from "{table}" where {}"#, first(table, "true")), seen_by: seen_by.into() }
    });
    let later = |column: &str| format!(r#""{column}" = "{column}" + interval '1 second'"#);
    let changed = TABLES
        .iter()
        .zip([
            (later("firstSeenAt"), r#""firstSeenAt" is not null"#),
            (later("firstSeenAt"), r#""firstSeenAt" is not null"#),
            (later("consentedAt"), r#""consentedAt" is not null"#),
            (later("occurredAt"), "true"),
            (r#""customerId" = (select max("id") from "CustomerProfile")"#.to_owned(), "true"),
            (r#""profileAId" = (select min("id") from "CustomerProfile")"#.to_owned(), "true"),
            (r#""customerId" = (select max("id") from "CustomerProfile" where "email" is null)"#.to_owned(), "true"),
        ])
        .map(|((table, dataset), (set, condition))| {
            let sql = format!(r#"update "{table}" set {set} where {}"#, first(table, condition));
            Breakage { sql, seen_by: vec![format!("same_rows: {dataset}")] }
        });
    let mut all = vec![together(deleted), together(changed)];
    all.extend([
        breakage(
            &["keys_and_indexes: tables without a primary key or with a key not validated"],
            r#"alter table "CampaignInteraction" drop constraint "CampaignInteraction_pkey""#,
        ),
        breakage(
            &["keys_and_indexes: tables without a primary key or with a key not validated"],
            r#"update pg_constraint set convalidated = false where conname = 'Activity_customerId_fkey'"#,
        ),
        breakage(
            &["keys_and_indexes: child tables without the key to their profile"],
            r#"alter table "IdentityAlias" drop constraint "IdentityAlias_customerId_fkey""#,
        ),
        breakage(
            &["keys_and_indexes: indexes that are not valid"],
            r#"update pg_index set indisvalid = false where indexrelid = '"Activity_customerId_occurredAt_idx"'::regclass"#,
        ),
        breakage(
            &["sync_log: sources without their SUCCESS row"],
            r#"delete from "SyncLog" where "eventId" like 'backfill:scl:%'"#,
        ),
        breakage(
            &["sync_log: sources without their SUCCESS row"],
            r#"update "SyncLog" set "status" = 'PENDING' where "sourceService" = 'crm-backfill'"#,
        ),
    ]);
    all
}

fn profiles() -> Vec<Breakage> {
    let sets: Vec<String> = OTHER.iter().map(|(column, value)| format!("\"{column}\" = {value}")).collect();
    let every = Breakage {
        sql: format!(r#"update "CustomerProfile" set {} where {}"#, sets.join(", "), first("CustomerProfile", "true")),
        seen_by: OTHER.iter().map(|(column, _)| format!("profile_fields: {column} that is not the file's")).collect(),
    };
    vec![
        every,
        profile(&["profile_fields: firstName that is not the file's"], r#""firstName" = 'Nobody'"#, r#""firstName" is not null"#),
        profile(&["profile_fields: tags that is not the file's"], r#""tags" = array_append("tags", 'vip')"#, "true"),
        breakage(
            &[
                "profile_total: profiles",
                "profile_total: profiles of nobody",
                "founders: profiles without exactly one founder",
                "cross_service_links: total",
            ],
            r#"insert into "CustomerProfile" ("id", "tenantId", "source", "firstSeenAt", "updatedAt")
               values ('bf110000-0000-8000-8000-000000000001', '1', 'scl', '2020-01-01', '2020-01-01')"#,
        ),
        breakage(
            &["profile_total: people without their profile"],
            format!(r#"delete from "CustomerProfile" where {}"#, first("CustomerProfile", "true")),
        ),
        profile(&["founders: profiles whose source is not their founder's"], r#""source" = 'scl'"#, r#""source" = 'teetime'"#),
        profile(&["one_tenant: records linked to a profile of another tenant"], r#""tenantId" = '9'"#, "true"),
        breakage(
            &["one_tenant: aliases of another tenant than their profile's"],
            format!(r#"update "IdentityAlias" set "tenantId" = '9' where {}"#, first("IdentityAlias", "true")),
        ),
        profile(
            &[
                "own_addresses: EMAIL shown that no linked record carries",
                "own_addresses: EMAIL shown that is not the primary alias",
            ],
            r#""email" = 'stranger@mail.test'"#,
            r#""email" is not null"#,
        ),
        profile(
            &[
                "own_addresses: PHONE shown that no linked record carries",
                "own_addresses: PHONE shown that is not the primary alias",
            ],
            r#""phoneNumber" = '+27115550100'"#,
            r#""phoneNumber" is not null"#,
        ),
        profile(
            &[
                "own_addresses: AUTH_USER_ID shown that no linked record carries",
                "own_addresses: AUTH_USER_ID shown that is not the primary alias",
            ],
            r#""authUserId" = 'auth0|nobody'"#,
            r#""authUserId" is not null"#,
        ),
        breakage(
            &["own_addresses: EMAIL shown that is not the primary alias"],
            format!(
                r#"update "IdentityAlias" set "isPrimary" = false where {}"#,
                first("IdentityAlias", r#""isPrimary" and "type" = 'EMAIL'"#)
            ),
        ),
        profile(
            &["membership_data: membershipStatus that is not its source row's"],
            r#""membershipStatus" = 'HONORARY'"#,
            r#""membershipStatus" is not null"#,
        ),
        profile(
            &["membership_data: profiles without the status that a linked member has"],
            r#""membershipStatus" = null"#,
            r#""membershipStatus" is not null"#,
        ),
        profile(
            &["membership_data: membershipTier that is not its source row's"],
            r#""membershipTier" = 'Mica'"#,
            r#""sclMemberId" is null"#,
        ),
        profile(
            &["handicap_data: handicap that is not its source row's"],
            r#""handicap" = "handicap" - 0.1"#,
            r#""handicap" is not null"#,
        ),
        profile(
            &["handicap_data: handicapUpdatedAt that is not its source row's"],
            r#""handicapUpdatedAt" = '2001-01-01'"#,
            r#""handicap" is not null"#,
        ),
        profile(
            &["profile_tags: tags that do not follow from statuses and the handicap's date"],
            r#""tags" = array_append("tags", 'pre_whs')"#,
            r#"not 'pre_whs' = any("tags")"#,
        ),
    ]
}

fn links() -> Vec<Breakage> {
    let (mut others, mut none, mut aliases) = (Vec::new(), Vec::new(), Vec::new());
    for (check, column, kind, shown, set_other, set_none) in [
        (
            "mca_za_links",
            "mcaV1ZaId",
            "MCA_V1_ZA_ID",
            r#""externalIds" ? 'mcaV1ZaId'"#,
            r#""externalIds" = "externalIds" || '{"mcaV1ZaId": "987654"}'"#,
            r#""externalIds" = "externalIds" - 'mcaV1ZaId'"#,
        ),
        (
            "mca_uk_links",
            "mcaV1UkId",
            "MCA_V1_UK_ID",
            r#""externalIds" ? 'mcaV1UkId'"#,
            r#""externalIds" = "externalIds" || '{"mcaV1UkId": "987654"}'"#,
            r#""externalIds" = "externalIds" - 'mcaV1UkId'"#,
        ),
        (
            "scl_member_links",
            "sclMemberId",
            "SCL_MEMBER_ID",
            r#""sclMemberId" is not null"#,
            r#""sclMemberId" = 987654"#,
            r#""sclMemberId" = null"#,
        ),
        (
            "teetime_player_links",
            "teetimePlayerId",
            "TEETIME_PLAYER_ID",
            r#""teetimePlayerId" is not null"#,
            r#""teetimePlayerId" = 'nobody'"#,
            r#""teetimePlayerId" = null"#,
        ),
        (
            "messaging_contact_links",
            "messagingContactId",
            "MESSAGING_CONTACT_ID",
            r#""messagingContactId" is not null"#,
            r#""messagingContactId" = 'nobody'"#,
            r#""messagingContactId" = null"#,
        ),
    ] {
        others.push(profile(&[&format!("{check}: {column} that is no linked row")], set_other, shown));
        none.push(profile(&[&format!("{check}: profiles with linked rows that show none")], set_none, shown));
        aliases.push(breakage(
            &[&format!("{check}: linked rows without an alias"), &format!("{check}: aliases that are no linked row")],
            format!(
                r#"update "IdentityAlias" set "value" = '987654' where {}"#,
                first("IdentityAlias", &format!(r#""type" = '{kind}'"#))
            ),
        ));
    }
    let mut all = vec![together(others), together(none), together(aliases)];
    let three = r#""sclMemberId" is not null and "teetimePlayerId" is not null and "messagingContactId" is not null"#;
    for (column, item) in
        [("sclMemberId", "has_scl"), ("teetimePlayerId", "has_teetime"), ("messagingContactId", "has_messaging")]
    {
        let both = if column == "messagingContactId" { "all_three" } else { "scl_and_teetime" };
        let seen_by = [item, both, "all_three"].map(|item| format!("cross_service_links: {item}"));
        all.push(Breakage { seen_by: seen_by.into(), ..profile(&[], &format!(r#""{column}" = null"#), three) });
    }
    all
}

fn consents() -> Vec<Breakage> {
    let consent = |seen_by: &[&str], set: &str, condition: &str| {
        breakage(seen_by, format!(r#"update "MarketingConsent" set {set} where {}"#, first("MarketingConsent", condition)))
    };
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for (flag, channel) in [("emailOptIn", "EMAIL"), ("smsOptIn", "SMS"), ("pushOptIn", "PUSH"), ("whatsappOptIn", "WHATSAPP")] {
        let flags = |state: &str| format!("consent_flags: {channel} flags that are {state}");
        on.push(profile(&[&flags("on and should be off")], &format!(r#""{flag}" = true"#), &format!(r#"not "{flag}""#)));
        off.push(profile(&[&flags("off and should be on")], &format!(r#""{flag}" = false"#), &format!(r#""{flag}""#)));
    }
    vec![
        together(on),
        together(off),
        consent(
            &["consent_rows: rows of another status"],
            r#""status" = 'OPTED_IN', "consentedAt" = "revokedAt", "revokedAt" = null"#,
            r#""status" = 'OPTED_OUT'"#,
        ),
        consent(
            &["consent_rows: rows of another date"],
            r#""revokedAt" = "revokedAt" + interval '1 day'"#,
            r#""revokedAt" is not null"#,
        ),
        consent(
            &["consent_rows: rows of another date"],
            r#""revokedAt" = "consentedAt" - interval '1 day'"#,
            r#""consentedAt" is not null"#,
        ),
        consent(
            &["consent_rows: rows without evidence", "consent_rows: evidence without its row"],
            r#""scope" = 'lottery'"#,
            "true",
        ),
        breakage(
            &["consent_rows: evidence without its row"],
            format!(r#"delete from "MarketingConsent" where {}"#, first("MarketingConsent", "true")),
        ),
    ]
}

fn timeline() -> Vec<Breakage> {
    let activity = |seen_by: &[&str], set: &str, condition: &str| {
        breakage(seen_by, format!(r#"update "Activity" set {set} where {}"#, first("Activity", condition)))
    };
    let moved = |kind: &str| {
        let seen_by = format!("timeline_people: {kind} on the timeline of somebody else");
        let set = r#""customerId" = (select max("id") from "CustomerProfile")"#;
        activity(&[&seen_by], set, &format!(r#""type" = '{kind}' and "sourceService" in ('mca_v1_za', 'scl')"#))
    };
    vec![
        breakage(
            &[
                "timeline_counts: mca_uk.memberships",
                "timeline_counts: mca_za.member_clubs",
                "timeline_counts: messaging.messages",
                "timeline_counts: scl.member_clubs",
                "timeline_counts: scl.members",
                "timeline_counts: scl.sport_memberships",
                "timeline_counts: teetime.bookings",
            ],
            // One row of each kind that gave but one activity.
            r#"delete from "Activity" where "id" in (
                 select min(single.id)
                 from (
                   select min("id") as id, "sourceService" as service, split_part("sourceId", ':', 1) as kind, min("category"::text) as category
                   from "Activity"
                   group by "sourceService", "sourceId"
                   having count(*) = 1) as single
                 group by single.service, case when single.category = 'MEMBERSHIP' and single.kind !~ '^[0-9]' then single.kind end)"#,
        ),
        breakage(
            &[
                "timeline_kinds: CLUB_JOINED by category, channel and title",
                "timeline_kinds: CLUB_LEFT by category, channel and title",
                "timeline_kinds: MEMBER_CREATED by category, channel and title",
                "timeline_kinds: TEETIME_BOOKED by category, channel and title",
                "timeline_kinds: TEETIME_COMPLETED by category, channel and title",
            ],
            r#"update "Activity" set "title" = "title" || ' at the moon' where "id" in (select min("id") from "Activity" group by "type")"#,
        ),
        activity(&["timeline_tenants: activities of another tenant than their profile's"], r#""tenantId" = '9'"#, "true"),
        breakage(
            &["timeline_tenants: campaign interactions of another tenant than their profile's"],
            format!(r#"update "CampaignInteraction" set "tenantId" = '9' where {}"#, first("CampaignInteraction", "true")),
        ),
        together(["MEMBER_CREATED", "CLUB_JOINED", "CLUB_LEFT"].map(moved)),
        activity(
            &["timeline_window: COMMUNICATION made before the look-back"],
            r#""occurredAt" = '2001-01-01'"#,
            r#""category" = 'COMMUNICATION'"#,
        ),
    ]
}

fn scores() -> Vec<Breakage> {
    let member = r#""source" = 'RULE'"#;
    vec![
        profile(
            &[
                "strategy_metrics: metrics that the strategy's UPDATE would give, nothing after as_of counted",
                "strategy_metrics: profiles that the UPDATE as written would change, each by a date after as_of",
            ],
            r#""bookingCountTotal" = "bookingCountTotal" + 1"#,
            r#"not exists (select from "Activity" a where a."customerId" = "CustomerProfile"."id" and a."occurredAt" > '2026-10-01')"#,
        ),
        profile(&["engagement: engagement scores"], r#""engagementScore" = "engagementScore" + 1"#, "true"),
        profile(&["churn: churn risk scores"], r#""churnRiskScore" = null"#, r#""churnRiskScore" > 0"#),
        profile(
            &["activity_dates: bookings in 30 days, latest booking, latest open and click"],
            r#""lastBookingAt" = '2001-01-01'"#,
            "true",
        ),
        profile(
            &["activity_dates: bookings in 30 days, latest booking, latest open and click"],
            r#""lastEmailOpenAt" = '2001-01-01'"#,
            "true",
        ),
        breakage(
            &["segment_members: segments whose memberCount is not the number of their members"],
            format!(
                r#"update "CustomerSegment" set "memberCount" = "memberCount" + 1
                   where "id" = (select min("segmentId") from "CustomerSegmentMembership" where {member})"#
            ),
        ),
        breakage(
            &["segment_members: segments whose rule members are not those computed"],
            format!(
                r#"delete from "CustomerSegmentMembership" where {};
                   update "CustomerSegment" set "memberCount" = "memberCount" - 1 where "createdBy" is null"#,
                first("CustomerSegmentMembership", member)
            ),
        ),
    ]
}
