//! Runs `sql/verify` over one read-only snapshot of the CRM, with the evidence lent to the session as temporary tables.

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use tokio_postgres::SimpleQueryMessage;

use crate::config::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::copy::{CHUNK, Column, Encoder, HEADER, TRAILER, Wire};
use crate::pg::crm::LOADED;
use crate::pg::{Connection, quote_identifier, segment_sql};
use crate::segment::Question;
use crate::tables::{Dataset, Table, TableError};

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
            sql: include_str!(concat!("../../sql/verify/", $folder, "/", $name, ".sql")),
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

/// The check whose statements are made from the rules of the segments, see [`crate::pg::segment_sql`].
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
        sql: include_str!("../../sql/verify/quality/profiles_by_source.sql"),
    },
    Quality {
        name: "linked_profiles",
        title: "Linked vs unlinked profiles",
        sql: include_str!("../../sql/verify/quality/linked_profiles.sql"),
    },
    Quality {
        name: "duplicate_emails",
        title: "Duplicate email check",
        sql: include_str!("../../sql/verify/quality/duplicate_emails.sql"),
    },
    Quality {
        name: "activities_by_category",
        title: "Activity distribution",
        sql: include_str!("../../sql/verify/quality/activities_by_category.sql"),
    },
    Quality { name: "score_bands", title: "Score distribution", sql: include_str!("../../sql/verify/quality/score_bands.sql") },
];

/// What prepares the session: the rows that are ours, table by table, and consent weighed anew from the evidence.
const SESSION: [&str; 11] = [
    include_str!("../../sql/verify/session/our_profiles.sql"),
    include_str!("../../sql/verify/session/our_aliases.sql"),
    include_str!("../../sql/verify/session/our_consents.sql"),
    include_str!("../../sql/verify/session/our_activities.sql"),
    include_str!("../../sql/verify/session/our_interactions.sql"),
    include_str!("../../sql/verify/session/our_candidates.sql"),
    include_str!("../../sql/verify/session/our_memberships.sql"),
    include_str!("../../sql/verify/session/consent_addresses.sql"),
    include_str!("../../sql/verify/session/consent_units.sql"),
    include_str!("../../sql/verify/session/consent_withdrawals.sql"),
    include_str!("../../sql/verify/session/consent_by_others.sql"),
];

/// Tables of [`SESSION`], whose statistics the checks need: without them a join of two is planned as a loop in a loop.
const WEIGHED: [&str; 4] = ["consent_addresses", "consent_units", "consent_withdrawals", "consent_by_others"];

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

/// A session on the CRM that only reads.
pub struct Verifier {
    connection: Connection,
}

impl Verifier {
    /// Connects to the CRM. What is lent comes before [`Verifier::freeze`].
    pub fn open(dsn: &Dsn) -> Result<Self> {
        let connection = Connection::open(dsn, "the CRM")?;
        connection.batch(
            // Every join here is of whole tables by text keys: hashing is right even where statistics are old; a loop in a loop never
            // is, and sorting by a language's rules costs more than the join.
            "set timezone = 'UTC'; set datestyle = 'iso, ymd'; set statement_timeout = 0; set jit = off; set work_mem = '256MB';
             set enable_nestloop = off; set enable_mergejoin = off",
        )?;
        connection.batch(include_str!("../../sql/verify/session/kept.sql"))?;
        let known = connection.query_one(include_str!("../../sql/verify/session/who_keeps.sql"), &[])?;
        if known.get(0) {
            connection.batch(include_str!("../../sql/verify/session/kept_by_load.sql"))?;
        }
        if known.get(1) {
            connection.batch(include_str!("../../sql/verify/session/kept_by_people.sql"))?;
        }
        connection.batch("analyze lent__kept")?;
        Ok(Self { connection })
    }

    /// Rows of a dataset that load left as they are, or could not insert: they are listed, not compared.
    pub fn kept(&self, stem: &str) -> Result<HashSet<String, FixedState>> {
        let Some(loaded) = LOADED.iter().find(|loaded| (loaded.dataset)().stem == stem) else { return Ok(HashSet::default()) };
        let rows = self.connection.query("select id from lent__kept where table_name = $1", &[&loaded.table])?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Fills a temporary table of the dataset's name with the batches that `give` sends; returns its rows.
    pub fn lend<T: Table>(&self, give: impl FnOnce(&mut dyn FnMut(RecordBatch) -> Result<()>) -> Result<()>) -> Result<u64> {
        let dataset = T::dataset();
        self.connection.batch(&temporary_table(&dataset, &T::schema()))?;
        let columns = dataset.columns.iter().map(|column| {
            let data_type = (column.data_type)();
            Column::plan(column.name, &data_type, wire(&data_type)).ok_or_else(|| {
                TableError::Unfit { dataset: T::STEM, column: column.name, found: format!("has type {data_type}") }.into()
            })
        });
        let mut encoder = Encoder::new(T::STEM, columns.collect::<Result<Vec<_>>>()?);
        let statement = format!("copy {} from stdin (format binary)", quote_identifier(T::STEM));
        let connection = &self.connection;
        let fault = |error: &tokio_postgres::Error| anyhow::Error::from(connection.fault(error));
        let sink = connection.wait(connection.client().copy_in(&statement)).map_err(|error| fault(&error))?;
        let mut sink = std::pin::pin!(sink);
        let mut send = |buffer: &mut Vec<u8>| {
            let bytes = bytes::Bytes::from(std::mem::take(buffer));
            connection.wait(futures_util::SinkExt::send(&mut sink, bytes)).map_err(|error| fault(&error))
        };
        let mut buffer = HEADER.to_vec();
        give(&mut |batch| {
            encoder.encode(&|name| batch.column_by_name(name).cloned(), batch.num_rows(), &mut buffer, |full| {
                if full.len() >= CHUNK { send(full) } else { Ok(()) }
            })
        })?;
        buffer.extend_from_slice(TRAILER);
        send(&mut buffer)?;
        let rows = connection.wait(sink.finish()).map_err(|error| fault(&error))?;
        self.connection.batch(&format!("analyze {}", quote_identifier(T::STEM)))?;
        Ok(rows)
    }

    /// Fixes what is seen: from here on every statement reads one snapshot, and none can write.
    pub fn freeze(&self) -> Result<()> {
        self.connection.batch("begin isolation level repeatable read")?;
        for statement in SESSION {
            self.connection.batch(statement)?;
        }
        for weighed in WEIGHED {
            self.connection.batch(&format!("analyze {weighed}"))?;
        }
        self.connection.batch("set transaction read only")
    }

    /// Asks a check.
    pub fn ask(&self, check: &Check) -> Result<Vec<Finding>> {
        let rows = self.connection.query(check.sql, &[])?;
        let malformed = |error: tokio_postgres::Error| {
            Fault::new(Exit::Bug, format!("sql/verify/checks/{}.sql does not return what a check returns: {error}", check.name))
        };
        rows.iter()
            .map(|row| {
                Ok(Finding {
                    item: row.try_get("item").map_err(malformed)?,
                    examined: row.try_get("examined").map_err(malformed)?,
                    expected: row.try_get("expected").map_err(malformed)?,
                    observed: row.try_get("observed").map_err(malformed)?,
                    examples: row.try_get("examples").map_err(malformed)?,
                })
            })
            .collect()
    }

    /// Evaluates the rules of segments a second time, in SQL over the CRM, and compares the members.
    pub fn ask_segments(&self, questions: &[Option<Question<'_>>]) -> Result<Vec<Finding>> {
        let collation = segment_sql::case_collation(&self.connection)?;
        let (mut examined, mut differing, mut segments, mut examples) = (0, 0, 0, Vec::new());
        for position in 0..questions.len() {
            let Some(statement) = segment_sql::comparison(questions, position, collation) else { continue };
            let row = self.connection.query_one(&statement.sql, &statement.parameters())?;
            let found: i64 = row.get(1);
            examined += row.get::<_, i64>(0);
            differing += found;
            segments += usize::from(found > 0);
            examples.extend(row.get::<_, Vec<String>>(2));
        }
        examples.truncate(5);
        let observed = if differing == 0 { "0 differ".to_owned() } else { format!("{differing} differ, in {segments} segments") };
        let item = "members by rule, found again in SQL".to_owned();
        Ok(vec![Finding { item, examined, expected: "0 differ".to_owned(), observed, examples }])
    }

    /// Asks a statement of the strategy as it is written; values as PostgreSQL prints them.
    pub fn table(&self, sql: &str) -> Result<(Vec<String>, Vec<Vec<String>>)> {
        let connection = &self.connection;
        let messages = connection.wait(connection.client().simple_query(sql)).map_err(|error| connection.fault(&error))?;
        let (mut names, mut rows) = (Vec::new(), Vec::new());
        for message in &messages {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    names = columns.iter().map(|column| column.name().to_owned()).collect()
                }
                SimpleQueryMessage::Row(row) => {
                    rows.push((0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect());
                }
                _ => {}
            }
        }
        Ok((names, rows))
    }

    /// Where the CRM is: `user@host:port/database`.
    pub fn place(&self) -> String {
        self.connection.target().to_string()
    }
}

/// Tables that the session's role could change.
pub fn writable_tables(connection: &Connection) -> Result<i64> {
    let row = connection.query_one(include_str!("../../sql/verify/preflight/writable_tables.sql"), &[])?;
    Ok(row.get(0))
}

fn temporary_table(dataset: &Dataset, schema: &Schema) -> String {
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", quote_identifier(field.name()), type_name(field.data_type())))
        .collect();
    format!("create temporary table {} ({})", quote_identifier(dataset.stem), columns.join(", "))
}

/// The SQL type that holds the values of a dataset column.
pub(super) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("numeric({precision}, {scale})"),
        DataType::List(_) => "text[]".to_owned(),
        _ => "text".to_owned(),
    }
}

fn wire(data_type: &DataType) -> Wire {
    match data_type {
        DataType::Int32 => Wire::Int4,
        DataType::Int64 => Wire::Int8,
        DataType::Boolean => Wire::Bool,
        DataType::Date32 => Wire::Date,
        DataType::Timestamp(..) => Wire::Timestamp,
        DataType::Decimal128(..) => Wire::Numeric,
        DataType::List(_) => Wire::TextArray(tokio_postgres::types::Type::TEXT.oid()),
        _ => Wire::Text(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::evidence;

    #[test]
    fn a_lent_table_has_the_declared_columns() {
        let sql = temporary_table(&evidence::early_rows::Table::dataset(), &evidence::early_rows::Table::schema());
        assert_eq!(sql, "create temporary table \"lent__early_rows\" (\"service\" text, \"source_id\" text)");
    }

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
