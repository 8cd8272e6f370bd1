//! A session that reads the CRM in one snapshot, with the reference data of its checks loaded into temporary tables.

use std::time::Duration;

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};

use crate::dsn::Dsn;
use crate::fault::{Exit, Fault};
use crate::pg::connect::Begin;
use crate::pg::copy::encode::{CHUNK, CopyColumn, Encoder, HEADER, TRAILER, Wire};
use crate::pg::verify::checks::{Check, CheckFinding};
use crate::pg::{Connection, quote_identifier};
use crate::tables::{Dataset, Table, TableError, evidence};

/// Views of our rows, by table, which the checks use.
const VIEWS: [&str; 7] = [
    include_str!("../../../sql/verify/session/our_profiles.sql"),
    include_str!("../../../sql/verify/session/our_aliases.sql"),
    include_str!("../../../sql/verify/session/our_consents.sql"),
    include_str!("../../../sql/verify/session/our_activities.sql"),
    include_str!("../../../sql/verify/session/our_interactions.sql"),
    include_str!("../../../sql/verify/session/our_candidates.sql"),
    include_str!("../../../sql/verify/session/our_memberships.sql"),
];

/// Tables that several checks share: consent, decided again from the evidence. Each depends on those before it.
const SHARED: [(&str, &str); 4] = [
    ("consent_addresses", include_str!("../../../sql/verify/session/consent_addresses.sql")),
    ("consent_units", include_str!("../../../sql/verify/session/consent_units.sql")),
    ("consent_withdrawals", include_str!("../../../sql/verify/session/consent_withdrawals.sql")),
    ("consent_by_others", include_str!("../../../sql/verify/session/consent_by_others.sql")),
];

/// The shared tables that these checks use, directly or through another shared table.
fn shared_by(checks: &[&Check]) -> Vec<&'static (&'static str, &'static str)> {
    let mut texts: Vec<&str> = checks.iter().map(|check| check.sql()).collect();
    let mut named = Vec::new();
    for table in SHARED.iter().rev() {
        if texts.iter().any(|text| names(text, table.0)) {
            texts.push(table.1);
            named.push(table);
        }
    }
    named.reverse();
    named
}

/// Whether a check uses the staged records and links, which are the largest part of the reference data.
pub fn needs_people(check: &Check) -> bool {
    let texts = || std::iter::once(check.sql()).chain(shared_by(&[check]).into_iter().map(|(_, sql)| *sql));
    texts().any(|text| names(text, evidence::people::Table::STEM))
}

/// Whether a statement names a table outside a quoted text.
fn names(sql: &str, table: &str) -> bool {
    sql.match_indices(table).any(|(at, _)| !sql[..at].ends_with('\''))
}

/// A read-only session on the CRM, with the checks that it will run.
pub struct Verifier {
    connection: Connection,
    checks: Vec<&'static Check>,
    shared: Vec<&'static (&'static str, &'static str)>,
}

impl Verifier {
    /// Connects to the CRM and opens one snapshot, shared with the session `beside` if there is one. Reference data must be loaded
    /// before [`Verifier::freeze`].
    pub fn open(dsn: &Dsn, checks: Vec<&'static Check>, beside: Option<&Self>) -> Result<Self> {
        // A second session only saves time, so it is not waited for.
        let connection = match beside {
            None => Connection::open(dsn, "the CRM")?,
            Some(_) => Connection::open_within(dsn, "the CRM", Duration::ZERO)?,
        };
        let snapshot: Option<String> = beside
            .map(|first| Ok::<_, anyhow::Error>(first.connection.query_one("select pg_export_snapshot()", &[])?.get(0)))
            .transpose()?;
        connection.begin(Begin { is_repeatable: true, snapshot: snapshot.as_deref(), ..Begin::default() })?;
        connection.batch(
            // The joins are of whole tables by text keys: a hash join is right even with old statistics, a nested loop never is,
            // and sorting by a collation costs more than the join. Such joins need few statistics of the temporary tables.
            "set local intervalstyle = 'postgres'; set local work_mem = '256MB'; set local default_statistics_target = 10;
             set local idle_in_transaction_session_timeout = 0; set local enable_nestloop = off; set local enable_mergejoin = off",
        )?;
        connection.batch(include_str!("../../../sql/verify/session/kept.sql"))?;
        let known = connection.query_one(include_str!("../../../sql/verify/session/who_keeps.sql"), &[])?;
        if known.get(0) {
            connection.batch(include_str!("../../../sql/verify/session/kept_by_load.sql"))?;
        }
        if known.get(1) {
            connection.batch(include_str!("../../../sql/verify/session/kept_by_people.sql"))?;
        }
        connection.batch("analyze evidence__kept")?;
        let shared = shared_by(&checks);
        Ok(Self { connection, checks, shared })
    }

    /// Takes over the checks of a session that could not be opened.
    pub fn take_over(&mut self, checks: Vec<&'static Check>) {
        self.checks.extend(checks);
        self.shared = shared_by(&self.checks);
    }

    /// The checks that it will run.
    pub fn checks(&self) -> &[&'static Check] {
        &self.checks
    }

    /// Whether a check names this dataset, so that it has to be loaded.
    pub fn names(&self, stem: &str) -> bool {
        let shared = self.shared.iter().map(|(_, sql)| *sql);
        self.checks.iter().map(|check| check.sql()).chain(shared).any(|text| names(text, stem))
    }

    /// Fills a temporary table with the name of the dataset from the batches that `give` sends; returns the number of rows.
    pub fn load<T: Table>(&self, give: impl FnOnce(&mut dyn FnMut(RecordBatch) -> Result<()>) -> Result<()>) -> Result<u64> {
        let dataset = T::dataset();
        self.connection.batch(&temporary_table(&dataset, &T::schema()))?;
        let columns = dataset.columns.iter().map(|column| {
            let data_type = (column.data_type)();
            CopyColumn::plan(column.name, &data_type, wire(&data_type)).ok_or_else(|| {
                TableError::Unfit { dataset: T::STEM, column: column.name, found: format!("has type {data_type}") }.into()
            })
        });
        let mut encoder = Encoder::new(T::STEM, columns.collect::<Result<Vec<_>>>()?);
        let statement = format!("copy {} from stdin (format binary)", quote_identifier(T::STEM));
        let connection = &self.connection;
        let sink = connection.answer(connection.client().copy_in(&statement))?;
        let mut sink = std::pin::pin!(sink);
        let mut send = |buffer: &mut Vec<u8>| {
            let bytes = bytes::Bytes::from(std::mem::take(buffer));
            connection.answer(futures_util::SinkExt::send(&mut sink, bytes))
        };
        let mut buffer = HEADER.to_vec();
        give(&mut |batch| {
            encoder.encode(&|name| batch.column_by_name(name).cloned(), batch.num_rows(), &mut buffer, |full| {
                if full.len() >= CHUNK { send(full) } else { Ok(()) }
            })
        })?;
        buffer.extend_from_slice(TRAILER);
        send(&mut buffer)?;
        let rows = connection.answer(sink.finish())?;
        self.connection.batch(&format!("analyze {}", quote_identifier(T::STEM)))?;
        Ok(rows)
    }

    /// Creates the shared tables. After that the session is read-only.
    pub fn freeze(&self) -> Result<()> {
        for view in VIEWS {
            self.connection.batch(view)?;
        }
        for (name, statement) in &self.shared {
            self.connection.batch(statement)?;
            // Without statistics a join of two of them would be planned as a nested loop.
            self.connection.batch(&format!("analyze {name}"))?;
        }
        self.connection.batch("set transaction read only")
    }

    /// Runs a check.
    pub fn ask(&self, check: &Check) -> Result<Vec<CheckFinding>> {
        let rows = self.connection.query(check.sql(), &[])?;
        let malformed = |error: tokio_postgres::Error| {
            Fault::new(Exit::Bug, format!("sql/verify/checks/{}.sql does not return what a check returns: {error}", check.name))
        };
        rows.iter()
            .map(|row| {
                Ok(CheckFinding {
                    item: row.try_get("item").map_err(malformed)?,
                    examined: row.try_get("examined").map_err(malformed)?,
                    expected: row.try_get("expected").map_err(malformed)?,
                    observed: row.try_get("observed").map_err(malformed)?,
                    examples: row.try_get("examples").map_err(malformed)?,
                })
            })
            .collect()
    }

    /// Location of the CRM: `user@host:port/database`.
    pub fn place(&self) -> String {
        self.connection.target().to_string()
    }
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
pub(in crate::pg) fn type_name(data_type: &DataType) -> String {
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
        DataType::List(_) => Wire::TextArray(tokio_postgres::types::Type::TEXT.oid(), None),
        _ => Wire::Text(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::verify::checks::CHECKS;

    #[test]
    fn a_temporary_table_has_the_declared_columns() {
        let sql = temporary_table(&evidence::identifiers::Table::dataset(), &evidence::identifiers::Table::schema());
        assert!(
            sql.starts_with("create temporary table \"evidence__identifiers\" (\"source\" text, \"source_id\" text"),
            "{sql}"
        );
    }

    #[test]
    fn a_check_gets_the_tables_that_its_shared_tables_need() {
        let check = |name: &str| CHECKS.iter().find(|check| check.name == name).expect("it is declared");
        let names = |name: &str| shared_by(&[check(name)]).into_iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names("consent_rows"), ["consent_addresses", "consent_units", "consent_withdrawals", "consent_by_others"]);
        assert!(needs_people(check("consent_rows")));
    }
}
