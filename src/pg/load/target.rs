//! Names of the CRM's tables and the datasets that fill their columns. Only this module spells `"CustomerProfile"`.

use crate::model::{ActivityCategory, AliasType, Channel, Code, ConsentStatus, CustomerStatus, Gender, LifecycleStage};
use crate::tables::{Dataset, Table, crm, score};

/// The CRM's tables by their names.
pub mod table {
    /// One row per person.
    pub const PROFILE: &str = "CustomerProfile";
    /// Identifiers of a profile.
    pub const ALIAS: &str = "IdentityAlias";
    /// The timeline.
    pub const ACTIVITY: &str = "Activity";
    /// Notes by people; never loaded.
    pub const NOTE: &str = "CustomerNote";
    /// Segments; made by people.
    pub const SEGMENT: &str = "CustomerSegment";
    /// The members of a segment.
    pub const MEMBERSHIP: &str = "CustomerSegmentMembership";
    /// Consent of a profile.
    pub const CONSENT: &str = "MarketingConsent";
    /// Outcomes of a campaign's messages.
    pub const INTERACTION: &str = "CampaignInteraction";
    /// Attribution; never loaded.
    pub const ATTRIBUTION: &str = "AttributionEvent";
    /// The start of real-time sync.
    pub const SYNC_LOG: &str = "SyncLog";
    /// The review queue.
    pub const CANDIDATE: &str = "DuplicateCandidate";

    /// Every table that load, rollback or the emergency rollback touches, parents first.
    pub const ALL: [&str; 11] =
        [PROFILE, ALIAS, ACTIVITY, NOTE, SEGMENT, MEMBERSHIP, CONSENT, INTERACTION, ATTRIBUTION, SYNC_LOG, CANDIDATE];
}

/// Lists a closed vocabulary.
pub type WordList = fn() -> Vec<&'static str>;

/// How load fills a table of the CRM.
#[derive(Debug)]
pub struct Loaded {
    /// The table.
    pub table: &'static str,
    /// The dataset that fills it.
    pub dataset: fn() -> Dataset,
    /// The temporary table that a load into a filled CRM stages its rows in.
    pub staging: &'static str,
    /// Columns whose name is not the dataset's in camelCase.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Columns that hold only the codes of a closed vocabulary.
    pub words: &'static [(&'static str, WordList)],
    /// Columns that load fills by itself.
    pub stamps: &'static [(&'static str, Stamp)],
    /// Whether the table is filled in [`crate::model::Phase::SCORES`] only.
    pub scored: bool,
    /// Whether the hash of each written row is recorded, so that later changes by others are detected.
    pub remembered: bool,
}

/// A value that load writes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The instant of the load, when the row is inserted.
    Created,
    /// The instant of the load, whenever the row changes.
    Updated,
    /// This text, when the row is inserted.
    Text(&'static str),
    /// Null whenever the row changes; the default when it is inserted.
    Null,
}

fn words<C: Code>() -> Vec<&'static str> {
    C::ALL.iter().map(|word| word.code()).collect()
}

/// The tables that load fills, in the order of their foreign keys.
pub const LOADED: [Loaded; 7] = [
    Loaded {
        table: table::PROFILE,
        dataset: crm::customer_profiles::Table::dataset,
        staging: "staged_customer_profiles",
        renamed: &[],
        words: &[("gender", words::<Gender>), ("status", words::<CustomerStatus>), ("lifecycle_stage", words::<LifecycleStage>)],
        stamps: &[
            ("createdAt", Stamp::Created),
            ("updatedAt", Stamp::Updated),
            ("createdBy", Stamp::Text("crm-backfill")),
            ("mergedIntoId", Stamp::Null),
        ],
        scored: false,
        remembered: true,
    },
    Loaded {
        table: table::ALIAS,
        dataset: crm::identity_aliases::Table::dataset,
        staging: "staged_identity_aliases",
        renamed: &[("alias_type", "type")],
        words: &[("alias_type", words::<AliasType>)],
        stamps: &[("createdAt", Stamp::Created)],
        scored: false,
        remembered: false,
    },
    Loaded {
        table: table::CONSENT,
        dataset: crm::marketing_consents::Table::dataset,
        staging: "staged_marketing_consents",
        renamed: &[],
        words: &[("channel", words::<Channel>), ("status", words::<ConsentStatus>)],
        stamps: &[("createdAt", Stamp::Created), ("updatedAt", Stamp::Updated)],
        scored: false,
        remembered: true,
    },
    Loaded {
        table: table::ACTIVITY,
        dataset: crm::activities::Table::dataset,
        staging: "staged_activities",
        renamed: &[("activity_type", "type")],
        words: &[("category", words::<ActivityCategory>)],
        stamps: &[("createdAt", Stamp::Created)],
        scored: false,
        remembered: false,
    },
    Loaded {
        table: table::INTERACTION,
        dataset: crm::campaign_interactions::Table::dataset,
        staging: "staged_campaign_interactions",
        renamed: &[("interaction_type", "type")],
        words: &[],
        stamps: &[],
        scored: false,
        remembered: false,
    },
    Loaded {
        table: table::CANDIDATE,
        dataset: crm::duplicate_candidates::Table::dataset,
        staging: "staged_duplicate_candidates",
        renamed: &[],
        words: &[],
        stamps: &[("createdAt", Stamp::Created)],
        scored: false,
        remembered: false,
    },
    Loaded {
        table: table::MEMBERSHIP,
        dataset: score::memberships::Table::dataset,
        staging: "staged_memberships",
        renamed: &[],
        words: &[("source", || vec!["RULE"])],
        stamps: &[],
        scored: true,
        remembered: false,
    },
];

/// What load requires of a column that no dataset fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Text or uuid.
    Id,
    /// Text; an enum must have these words.
    Text(&'static [&'static str]),
    /// `json`, `jsonb` or text.
    Json,
    /// `timestamp` or `timestamptz`.
    Instant,
    /// `smallint`, `integer` or `bigint`.
    Integer,
    /// `boolean`.
    Flag,
}

/// A table that load touches without a dataset of its own.
#[derive(Debug)]
pub struct Touched {
    /// The table.
    pub table: &'static str,
    /// Whether load always writes whole rows.
    pub writes_rows: bool,
    /// The columns that it reads or writes.
    pub columns: &'static [(&'static str, Need)],
}

/// The tables that load touches without a dataset of their own.
pub const TOUCHED: [Touched; 4] = [
    Touched {
        table: table::SEGMENT,
        writes_rows: false,
        columns: &[
            ("id", Need::Id),
            ("tenantId", Need::Id),
            ("clubId", Need::Id),
            ("name", Need::Text(&[])),
            ("type", Need::Text(&["DYNAMIC"])),
            ("criteria", Need::Json),
            ("combinator", Need::Text(&[])),
            ("lastRefreshedAt", Need::Instant),
            ("refreshError", Need::Text(&[])),
            ("memberCount", Need::Integer),
            ("isActive", Need::Flag),
            ("createdAt", Need::Instant),
            ("updatedAt", Need::Instant),
            ("createdBy", Need::Text(&[])),
            ("deletedAt", Need::Instant),
        ],
    },
    Touched {
        table: table::SYNC_LOG,
        writes_rows: true,
        columns: &[
            ("id", Need::Id),
            ("tenantId", Need::Id),
            ("sourceService", Need::Text(&["crm-backfill", "mca_v1_za", "mca_v1_uk", "scl", "teetime", "messaging"])),
            ("eventType", Need::Text(&["backfill.load"])),
            ("eventId", Need::Text(&[])),
            ("eventPayload", Need::Json),
            ("status", Need::Text(&["SUCCESS"])),
            ("processedAt", Need::Instant),
            ("attempts", Need::Integer),
            ("createdAt", Need::Instant),
        ],
    },
    Touched { table: table::NOTE, writes_rows: false, columns: &[("id", Need::Id)] },
    Touched { table: table::ATTRIBUTION, writes_rows: false, columns: &[("id", Need::Id)] },
];

/// Columns that hold the id of a profile or segment, and must be of its type to be compared with it.
pub const REFERRING: [(&str, &str, &str); 9] = [
    (table::PROFILE, "mergedIntoId", table::PROFILE),
    (table::ALIAS, "customerId", table::PROFILE),
    (table::CONSENT, "customerId", table::PROFILE),
    (table::ACTIVITY, "customerId", table::PROFILE),
    (table::INTERACTION, "customerId", table::PROFILE),
    (table::CANDIDATE, "profileAId", table::PROFILE),
    (table::CANDIDATE, "profileBId", table::PROFILE),
    (table::MEMBERSHIP, "customerId", table::PROFILE),
    (table::MEMBERSHIP, "segmentId", table::SEGMENT),
];

impl Loaded {
    /// How a table is filled.
    pub fn of(table: &str) -> &'static Self {
        LOADED.iter().find(|loaded| loaded.table == table).expect("callers name tables of LOADED")
    }

    /// Whether a deleted row of this table stays deleted. Memberships do not, because every refresh of a segment computes them again.
    pub fn stays_deleted(&self) -> bool {
        self.table != table::MEMBERSHIP
    }

    /// The target's name of a dataset column.
    pub fn column(&self, name: &str) -> String {
        let renamed = self.renamed.iter().find(|(ours, _)| *ours == name);
        renamed.map_or_else(|| camel_case(name), |(_, theirs)| (*theirs).to_owned())
    }
}

/// Columns of `score__profiles` that profiles carry; the other columns explain them and stay in the dataset.
pub const SCORE_COLUMNS: [&str; 10] = [
    "engagement_score",
    "churn_risk_score",
    "activity_count_30d",
    "activity_count_90d",
    "booking_count_30d",
    "booking_count_total",
    "last_activity_at",
    "last_booking_at",
    "last_email_open_at",
    "last_email_click_at",
];

/// Consent flags of a profile with their channel.
pub const FLAGS: [(&str, Channel); 4] = [
    ("emailOptIn", Channel::Email),
    ("smsOptIn", Channel::Sms),
    ("pushOptIn", Channel::Push),
    ("whatsappOptIn", Channel::Whatsapp),
];

/// Alias types whose value is the id of a source record: by them a profile that vanished finds its successor.
pub const RECORD_ALIASES: [AliasType; 5] = [
    AliasType::SclMemberId,
    AliasType::TeetimePlayerId,
    AliasType::MessagingContactId,
    AliasType::McaV1ZaId,
    AliasType::McaV1UkId,
];

/// `sclMemberId` of `scl_member_id`.
pub fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// The condition that a row's id says that the backfill made it.
pub fn ours(alias: &str) -> String {
    format!("{alias}.\"id\"::text like 'bf11____-____-8___-____-____________'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dataset_columns_become_the_targets_names() {
        assert_eq!(camel_case("activity_count_30d"), "activityCount30d");
        assert_eq!(camel_case("profile_a_id"), "profileAId");
        assert_eq!(Loaded::of(table::ACTIVITY).column("activity_type"), "type");
    }

    #[test]
    fn every_mapped_column_is_in_the_reference_schema() {
        let ddl = include_str!("../../../schemas/crm.sql");
        for loaded in &LOADED {
            let start = ddl.find(&format!("CREATE TABLE \"{}\"", loaded.table)).unwrap();
            let body = &ddl[start..start + ddl[start..].find("\n);").unwrap()];
            let dataset = (loaded.dataset)();
            let names = dataset.columns.iter().map(|column| loaded.column(column.name));
            for name in names.chain(loaded.stamps.iter().map(|(name, _)| (*name).to_owned())) {
                assert!(body.contains(&format!("\"{name}\"")), "{}.{name}", loaded.table);
            }
        }
    }

    #[test]
    fn score_columns_are_columns_of_the_dataset() {
        let dataset = score::profiles::Table::dataset();
        assert!(SCORE_COLUMNS.iter().all(|name| dataset.columns.iter().any(|column| column.name == *name)));
    }
}
