//! The checks of verification: their names, sources, and the lines of the checklist that they prove.

/// The source of a check's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Our rows in the CRM, compared with the datasets column by column.
    Comparison,
    /// One statement over the CRM's own tables.
    Sql(&'static str),
    /// The records of loads in the CRM.
    LoadLog,
    /// The statement that computes metrics and scores a second time.
    Scores,
    /// Segments of the CRM, and their rules evaluated a second time in SQL.
    Segments,
    /// Manifests of the saved exports.
    Files,
    /// The datasets alone, checked at the end of the step that wrote them, before the CRM is touched.
    Proof,
}

/// A check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// The first phase in which it runs.
    pub from: u8,
    /// The line of the strategy's checklist that it proves, or the rule.
    pub proves: &'static str,
    /// The source of its result.
    pub by: By,
    /// Whether a difference needs manual review and does not count as a failure.
    pub is_for_a_person: bool,
}

macro_rules! checks {
    ($($name:literal, $from:literal, $proves:literal, $by:ident $(, $person:ident)?;)+) => {
        &[$(Check {
            name: $name,
            from: $from,
            proves: $proves,
            by: checks!(= $by $name),
            is_for_a_person: checks!(@ $($person)?),
        }),+]
    };
    (= Sql $name:literal) => { By::Sql(include_str!(concat!("../../../sql/verify/checks/", $name, ".sql"))) };
    (= $by:ident $name:literal) => { By::$by };
    (@ person) => { true };
    (@) => { false };
}

/// Every check, in the order in which it is reported.
pub const CHECKS: &[Check] = checks![
    "record_counts", 1, "Verify record counts", Comparison;
    "same_rows", 1, "Verify record counts", Comparison;
    "profile_fields", 1, "Verify record counts", Comparison;
    "row_fields", 1, "Verify record counts", Comparison;
    "made_by_load", 1, "Verify record counts", Comparison;
    "kept_rows", 1, "Verify record counts", Comparison;
    "touched_rows", 1, "Verify record counts", Comparison, person;
    "export_estimates", 1, "Verify record counts", Files, person;
    "ledger_balance", 1, "Verify record counts", Proof;
    "keys_and_indexes", 1, "CRM database provisioned and schema migrated", Sql;
    "schema_objects", 1, "CRM database provisioned and schema migrated", LoadLog;
    "ids_elsewhere", 1, "Verify record counts", Sql;
    "load_log", 1, "Verify record counts", LoadLog;
    "sync_log", 1, "Enable real-time event sync", LoadLog;
    "expectations", 1, "Meet the owner's expectations", Proof;
    "profile_total", 1, "Verify total profile count", Proof;
    "founders", 1, "Spot-check identity resolution", Proof;
    "link_evidence", 1, "Spot-check identity resolution", Proof;
    "link_confidence", 1, "Spot-check identity resolution", Proof;
    "one_tenant", 1, "Spot-check identity resolution", Proof;
    "own_addresses", 1, "Spot-check identity resolution", Proof;
    "mca_za_links", 1, "Verify cross-service links", Proof;
    "mca_uk_links", 1, "Verify cross-service links", Proof;
    "cross_service_links", 1, "Verify cross-service links", Proof;
    "duplicate_emails", 1, "Run data quality report", Proof;
    "handicap_data", 1, "Verify handicap data sync", Proof;
    "profile_tags", 1, "Verify membership data sync", Proof;
    "scl_member_links", 2, "Verify sclMemberId links", Proof;
    "membership_data", 2, "Verify membership data sync", Proof;
    "teetime_player_links", 3, "Verify teetimePlayerId links", Proof;
    "messaging_contact_links", 4, "Verify messagingContactId links", Proof;
    "consent_flags", 4, "Verify consent data sync", Proof;
    "consent_rows", 4, "Verify consent data sync", Proof;
    "withdrawals_hold", 4, "Verify consent data sync", Sql, person;
    "timeline_counts", 2, "Verify activity timeline", Proof;
    "timeline_tenants", 2, "Verify activity timeline", Proof;
    "timeline_people", 2, "Verify activity timeline", Proof;
    "timeline_window", 5, "Verify activity timeline", Proof;
    "engagement", 6, "Run batch engagement scoring", Scores;
    "churn", 6, "Run batch churn risk scoring", Scores;
    "strategy_metrics", 6, "Update activity metrics", Scores;
    "activity_dates", 6, "Update activity metrics", Scores;
    "segment_members", 6, "Refresh dynamic segments", Segments;
    "segment_rules", 6, "Refresh dynamic segments", Segments;
];

impl Check {
    /// Its statement; empty if it has none.
    pub fn sql(&self) -> &'static str {
        match self.by {
            By::Sql(sql) => sql,
            _ => "",
        }
    }
}

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
pub static QUALITY: [Quality; 5] = [
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

/// The result of one comparison of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFinding {
    /// The compared item.
    pub item: String,
    /// Rows looked at.
    pub examined: i64,
    /// Expected value.
    pub expected: String,
    /// Observed value.
    pub observed: String,
    /// Ids of up to five differing rows.
    pub examples: Vec<String>,
}

impl CheckFinding {
    /// A count that should be 0.
    pub fn counted(item: String, examined: u64, found: u64, examples: Vec<String>) -> Self {
        let examined = i64::try_from(examined).expect("counts fit in 63 bits");
        Self { item, examined, expected: "0".to_owned(), observed: found.to_string(), examples }
    }

    /// The same, with all items listed.
    pub fn listed(item: &str, examined: usize, found: &[String]) -> Self {
        Self::counted(item.to_owned(), examined as u64, found.len() as u64, found.iter().take(5).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_of_a_check_is_one_in_lower_case() {
        for check in CHECKS {
            assert!((1..=6).contains(&check.from), "{}", check.name);
            if let By::Sql(sql) = check.by {
                let ends = sql.lines().filter(|line| line.trim_end().ends_with(';')).count();
                assert_eq!(ends, 1, "{}", check.name);
                assert!(sql.trim_end().ends_with(';') && !sql.contains("SELECT"), "{}", check.name);
            }
        }
    }
}
