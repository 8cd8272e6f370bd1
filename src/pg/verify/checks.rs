//! What is asked of a loaded CRM: the checks of `sql/verify`, and what each proves.

/// One question to the CRM.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name, which is its file's stem.
    pub name: &'static str,
    /// The phase from which it is asked.
    pub from: u8,
    /// The line of the strategy's checklist, or the rule, that it proves.
    pub proves: &'static str,
    /// The statement.
    pub sql: &'static str,
    /// Whether a difference is for a person to judge rather than a failure.
    pub is_for_a_person: bool,
}

macro_rules! checks {
    ($($folder:literal: $name:literal, $from:literal, $proves:literal $(, $person:ident)?;)+) => {
        &[$(Check {
            name: $name,
            from: $from,
            proves: $proves,
            sql: include_str!(concat!("../../../sql/verify/", $folder, "/", $name, ".sql")),
            is_for_a_person: checks!(@ $($person)?),
        }),+]
    };
    (@ person) => { true };
    (@) => { false };
}

/// Every check, in the order in which it is reported.
pub const CHECKS: &[Check] = checks![
    "checks": "record_counts", 1, "Verify record counts";
    "checks": "same_rows", 1, "Verify record counts";
    "checks": "export_estimates", 1, "Verify record counts", person;
    "checks": "ledger_balance", 1, "Verify record counts";
    "checks": "kept_rows", 1, "Verify record counts";
    "checks": "keys_and_indexes", 1, "CRM database provisioned and schema migrated";
    "checks": "profile_total", 1, "Verify total profile count";
    "checks": "profile_fields", 1, "Verify record counts";
    "checks": "founders", 1, "Spot-check identity resolution";
    "checks": "link_evidence", 1, "Spot-check identity resolution";
    "checks": "link_confidence", 1, "Spot-check identity resolution";
    "checks": "one_tenant", 1, "Spot-check identity resolution";
    "checks": "own_addresses", 1, "Spot-check identity resolution";
    "checks": "mca_za_links", 1, "Verify cross-service links";
    "checks": "mca_uk_links", 1, "Verify cross-service links";
    "checks": "cross_service_links", 1, "Verify cross-service links";
    "checks": "duplicate_emails", 1, "Run data quality report";
    "checks": "handicap_data", 1, "Verify handicap data sync";
    "checks": "profile_tags", 1, "Verify membership data sync";
    "checks": "sync_log", 1, "Enable real-time event sync";
    "checks": "scl_member_links", 2, "Verify sclMemberId links";
    "checks": "membership_data", 2, "Verify membership data sync";
    "checks": "teetime_player_links", 3, "Verify teetimePlayerId links";
    "checks": "messaging_contact_links", 4, "Verify messagingContactId links";
    "checks": "consent_flags", 4, "Verify consent data sync";
    "checks": "consent_rows", 4, "Verify consent data sync";
    "checks": "timeline_counts", 2, "Verify activity timeline";
    "checks": "timeline_kinds", 2, "Verify activity timeline";
    "checks": "timeline_tenants", 2, "Verify activity timeline";
    "checks": "timeline_people", 2, "Verify activity timeline";
    "checks": "timeline_window", 5, "Verify activity timeline";
    "scores": "engagement", 6, "Run batch engagement scoring";
    "scores": "churn", 6, "Run batch churn risk scoring";
    "checks": "strategy_metrics", 6, "Update activity metrics";
    "scores": "activity_dates", 6, "Update activity metrics";
    "checks": "segment_members", 6, "Refresh dynamic segments";
];

/// The check whose statements are made from the rules of the segments, see [`crate::pg::verify::segment_sql`].
pub const SEGMENT_RULES: Check =
    Check { name: "segment_rules", from: 6, proves: "Refresh dynamic segments", sql: "", is_for_a_person: false };

/// One of the strategy's data-quality queries, word for word.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// Its file's stem.
    pub name: &'static str,
    /// The strategy's heading.
    pub title: &'static str,
    /// The statement.
    pub sql: &'static str,
}

/// The strategy's five, in its order.
pub const QUALITY: [Quality; 5] = [
    Quality {
        name: "profiles_by_source",
        title: "Profile count by source",
        sql: include_str!("../../../sql/verify/quality/profiles_by_source.sql"),
    },
    Quality {
        name: "linked_profiles",
        title: "Linked vs unlinked profiles",
        sql: include_str!("../../../sql/verify/quality/linked_profiles.sql"),
    },
    Quality {
        name: "duplicate_emails",
        title: "Duplicate email check",
        sql: include_str!("../../../sql/verify/quality/duplicate_emails.sql"),
    },
    Quality {
        name: "activities_by_category",
        title: "Activity distribution",
        sql: include_str!("../../../sql/verify/quality/activities_by_category.sql"),
    },
    Quality {
        name: "score_bands",
        title: "Score distribution",
        sql: include_str!("../../../sql/verify/quality/score_bands.sql"),
    },
];

/// What a check found about one thing it compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was compared.
    pub item: String,
    /// Rows looked at.
    pub examined: i64,
    /// What should be.
    pub expected: String,
    /// What is.
    pub observed: String,
    /// Ids of up to five differing rows.
    pub examples: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_one_statement_in_lower_case() {
        for check in CHECKS {
            let ends = check.sql.lines().filter(|line| line.trim_end().ends_with(';')).count();
            assert_eq!(ends, 1, "{}", check.name);
            assert!(check.sql.trim_end().ends_with(';'), "{}", check.name);
            assert!(!check.sql.contains("SELECT"), "{}", check.name);
            assert!((1..=6).contains(&check.from), "{}", check.name);
        }
    }
}
