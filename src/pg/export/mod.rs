//! Exports the rows of a statement as Arrow batches. The columns must match the declaration. If the server counted the rows,
//! their number must match that count.

pub(super) mod check_source;
mod readable;
pub(super) mod references;
pub(super) mod snapshot;

use std::collections::BTreeMap;

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use futures_util::StreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::fault::{Exit, Fault, columns_fault};
use crate::pg::copy::column::Special;
use crate::pg::copy::decode::{DecodeError, Decoder};
use crate::pg::export::readable::readable;
use crate::pg::export::references::{missing, references};
use crate::pg::export::snapshot::DECLARE;
use crate::pg::{Snapshot, quote_identifier};

/// A statement to export, with its declared columns.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    /// Its name in messages: `scl.members`.
    pub name: String,
    /// The file of the statement: `sql/exports/scl/members.sql`.
    pub file: String,
    /// One select that ends with its `order by`.
    pub sql: String,
    /// The declared columns.
    pub schema: SchemaRef,
    /// A table that may be missing; the result is empty then.
    pub needs: Option<&'static str>,
}

/// A statement that the server accepts and whose columns match the declaration.
#[derive(Clone, Debug)]
pub struct Prepared {
    query: ExportQuery,
    copy: String,
    /// Casts of columns, such as `created_at (text → timestamptz)`.
    pub casts: Vec<String>,
    /// Rows in the snapshot, if they were counted.
    pub rows: Option<u64>,
}

/// The result of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Rows.
    pub rows: u64,
    /// Counts of unusual values by column and kind: `("created_at", "infinite", 2)`.
    pub specials: Vec<(String, &'static str, u64)>,
}

impl Snapshot {
    /// Checks all statements against the database. Reports everything that is wrong at once.
    pub fn prepare(&self, queries: Vec<ExportQuery>) -> Result<Vec<Prepared>> {
        let connection = self.connection();
        let catalog = self.catalog()?;
        let (mut lacks, mut advice, mut files) = (Vec::new(), Vec::new(), Vec::new());
        let mut prepared = Vec::with_capacity(queries.len());
        for query in queries {
            connection.batch("savepoint prepare_export")?;
            let is_there =
                |table| Ok::<bool, anyhow::Error>(connection.query_one("select to_regclass($1) is not null", &[&table])?.get(0));
            let query = match query.needs {
                Some(table) if !is_there(table)? => ExportQuery { sql: no_rows(&query.schema), ..query },
                _ => ExportQuery { sql: readable(&query.sql, &catalog), ..query },
            };
            let body = statement(&query.sql);
            match connection.wait(connection.attend(connection.client().prepare(body)))? {
                Ok(described) => {
                    connection.batch("release savepoint prepare_export")?;
                    let columns: Vec<(&str, &Type)> =
                        described.columns().iter().map(|column| (column.name(), column.type_())).collect();
                    let (copy, casts) = fit(&query, body, &columns)?;
                    prepared.push(Prepared { query, copy, casts, rows: None });
                }
                Err(error) => {
                    connection.batch("rollback to savepoint prepare_export")?;
                    let (missing, near) = missing(&query.sql, &catalog);
                    if missing.is_empty() {
                        return Err(connection.fault(&error).at(query.file).into());
                    }
                    lacks.extend(missing.into_iter().filter(|lack| !lacks.contains(lack)).collect::<Vec<_>>());
                    advice.extend(near.into_iter().filter(|near| !advice.contains(near)).collect::<Vec<_>>());
                    files.push(query.file);
                }
            }
        }
        if !lacks.is_empty() {
            let what = format!("{} lacks what its export reads: {}", connection.name(), lacks.join(", "));
            let fault = advice.into_iter().fold(Fault::new(Exit::Input, what).at(files.join(", ")), Fault::help);
            let path = self.facts.get("search_path").map_or("", String::as_str);
            return Err(fault
                .help(format!("looked in schema {path}; another one is named in the URL: ?schema=NAME"))
                .help("if the database is right, change the SQL and give the column its alias")
                .into());
        }
        Ok(prepared)
    }

    /// Counts the rows of statements in the snapshot. A later [`Snapshot::copy`] must return as many.
    pub fn count_rows(&self, prepared: &mut [Prepared]) -> Result<()> {
        for export in prepared {
            let count = self.connection().query_one(&count_statement(&export.query.sql), &[]);
            let rows: i64 = count.map_err(|error| at_file(error, &export.query.file))?.get(0);
            export.rows = u64::try_from(rows).ok();
        }
        Ok(())
    }

    /// The tables that statements read, each with its columns and their types: `id bigint, email text`.
    pub fn tables_read(&self, queries: &[ExportQuery]) -> Result<BTreeMap<String, String>> {
        let catalog = self.catalog()?;
        let names = queries.iter().flat_map(|query| references(&query.sql).into_keys());
        let described = |name: String| {
            let columns = catalog.get(&name)?.iter().map(|(column, kind)| format!("{column} {kind}"));
            Some((name.clone(), columns.collect::<Vec<_>>().join(", ")))
        };
        Ok(names.filter_map(described).collect())
    }

    /// Runs a statement that gives one number, such as the rows before a look-back.
    pub fn count(&self, sql: &str, file: &str) -> Result<u64> {
        let sql = readable(sql, &self.catalog()?);
        let row = self.connection().query_one(statement(&sql), &[]).map_err(|error| at_file(error, file))?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }

    /// Exports a statement's rows and passes each full batch to `sink`.
    pub fn copy(&self, export: &Prepared, mut sink: impl FnMut(RecordBatch) -> Result<()>) -> Result<Exported> {
        let connection = self.connection();
        let damaged = |error: DecodeError| decode_fault(&error, &export.query);
        let mut decoder = Decoder::new(export.query.schema.clone()).map_err(damaged)?.in_encoding(self.encoding());
        if self.encoding().is_some() {
            // The bytes are sent as they are stored, because the declared encoding overrides that of the server.
            connection.query_one("select set_config('client_encoding', current_setting('server_encoding'), true)", &[])?;
        }
        let statement = format!("copy ({}) to stdout (format binary)", export.copy);
        let refused = |error: &tokio_postgres::Error| {
            let mut fault = connection.fault(error).at(format!("{}, {}", export.query.name, export.query.file));
            if error.code() == Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE) {
                fault = fault.help(format!("declare the encoding of its texts: {DECLARE}"));
            } else if error.code().is_some_and(|code| code.code().starts_with("22")) && !export.casts.is_empty() {
                fault = fault.help(format!("cast on the way: {}", export.casts.join(", "))).help(
                    "correct the value in the source, or export to CSV and use --csv, which rejects such values one by one",
                );
            }
            anyhow::Error::from(fault)
        };
        connection.wait(async {
            let stream = connection.attend(connection.client().copy_out(&statement)).await?.map_err(|error| refused(&error))?;
            // The stream sends single rows. Taking all that have arrived saves a wake-up for each.
            let mut pieces = std::pin::pin!(stream.ready_chunks(1024));
            while let Some(arrived) = connection.attend(pieces.next()).await? {
                for piece in arrived {
                    let piece = piece.map_err(|error| refused(&error))?;
                    decoder.feed(&piece, |batch| sink(batch).map_err(Failure::Sink)).map_err(|failure| match failure {
                        Failure::Decode(error) => damaged(error),
                        Failure::Sink(error) => error,
                    })?;
                }
            }
            Ok::<(), anyhow::Error>(())
        })?;
        if let Some(batch) = decoder.finish().map_err(damaged)? {
            sink(batch)?;
        }
        if self.encoding().is_some() {
            connection.batch("set local client_encoding = 'UTF8'")?;
        }
        if let Some(counted) = export.rows.filter(|counted| *counted != decoder.rows()) {
            let what = format!("{}: the server counts {counted} rows and sent {}", export.query.name, decoder.rows());
            return Err(Fault::new(Exit::Failed, what).at(export.query.file.clone()).help("run the export again").into());
        }
        Ok(Exported { rows: decoder.rows(), specials: decoder.specials().flat_map(kinds).collect() })
    }
}

/// Why a stream ended early: data that cannot be decoded, or an error of the sink.
enum Failure {
    Decode(DecodeError),
    Sink(anyhow::Error),
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

fn kinds((column, special): (&str, Special)) -> Vec<(String, &'static str, u64)> {
    let counts = [
        ("infinite", special.infinite),
        ("before_christ", special.before_christ),
        ("out_of_range", special.out_of_range),
        ("empty", special.empty),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (column.to_owned(), kind, count)).collect()
}

fn at_file(error: anyhow::Error, file: &str) -> anyhow::Error {
    match error.downcast::<Fault>() {
        Ok(fault) => fault.at(file).into(),
        Err(error) => error,
    }
}

fn decode_fault(error: &DecodeError, query: &ExportQuery) -> anyhow::Error {
    let fault = Fault::new(Exit::Input, format!("{}: {error}", query.name)).at(query.file.clone());
    match error {
        DecodeError::Null { column, .. } => fault.help(format!("find them:  select count(*) … where {column} is null")),
        DecodeError::Encoding { .. } => fault.help(format!("declare the encoding of its texts: {DECLARE}")),
        _ => fault,
    }
    .into()
}

/// The statement without its semicolon, for use in COPY.
pub(in crate::pg) fn statement(sql: &str) -> &str {
    sql.trim_end().trim_end_matches(';').trim_end()
}

/// The statement that counts the rows without sorting them. The last `order by` of the file must begin a line.
fn count_statement(sql: &str) -> String {
    let body = statement(sql);
    let unsorted = body.rfind("\norder by").map_or(body, |at| &body[..at]);
    format!("select count(*) from ({unsorted}) q")
}

/// A statement with the declared columns and no rows.
fn no_rows(schema: &SchemaRef) -> String {
    let columns = schema
        .fields()
        .iter()
        .map(|field| format!("null::{} as {}", sql_type(field.data_type()), quote_identifier(field.name())));
    format!("select {}\nwhere false\norder by 1", columns.collect::<Vec<_>>().join(", "))
}

/// The SQL type for a declared type.
fn sql_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamptz",
        _ => "text",
    }
}

/// Whether a type has the binary form of the declared type. A timestamp without a time zone counts as UTC.
fn same_form(data_type: &DataType, found: &Type) -> bool {
    match data_type {
        DataType::Boolean => *found == Type::BOOL,
        DataType::Int32 => *found == Type::INT4,
        DataType::Int64 => *found == Type::INT8,
        DataType::Date32 => *found == Type::DATE,
        DataType::Timestamp(..) => *found == Type::TIMESTAMPTZ || *found == Type::TIMESTAMP,
        DataType::Utf8 => [Type::TEXT, Type::VARCHAR, Type::NAME].contains(found),
        _ => false,
    }
}

/// The statement for COPY, with casts and order where the columns differ from the declaration, and a description of the casts.
fn fit(query: &ExportQuery, body: &str, columns: &[(&str, &Type)]) -> Result<(String, Vec<String>)> {
    let declared: Vec<&str> = query.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let found: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let missing: Vec<&str> = declared.iter().filter(|name| !found.contains(name)).copied().collect();
    let unknown: Vec<&str> = found.iter().filter(|name| !declared.contains(name)).copied().collect();
    let twice: Vec<&str> =
        found.iter().enumerate().filter(|(index, name)| found[..*index].contains(name)).map(|(_, name)| *name).collect();
    if !missing.is_empty() || !unknown.is_empty() || !twice.is_empty() {
        return Err(columns_fault(&query.name, &query.file, &missing, &unknown, &twice).into());
    }
    let mut casts = Vec::new();
    let mut list = Vec::with_capacity(declared.len());
    for field in query.schema.fields() {
        let name = quote_identifier(field.name());
        let (_, found) = columns.iter().find(|(column, _)| column == field.name()).expect("missing columns were refused above");
        if same_form(field.data_type(), found) {
            list.push(format!("q.{name}"));
        } else {
            let wanted = sql_type(field.data_type());
            casts.push(format!("{} ({} → {wanted})", field.name(), found.name()));
            list.push(format!("q.{name}::{wanted} as {name}"));
        }
    }
    if casts.is_empty() && declared == found {
        return Ok((body.to_owned(), casts));
    }
    // PostgreSQL does not flatten a subquery with an order by, so the result keeps its order.
    Ok((format!("select {} from (\n{body}\n) q", list.join(", ")), casts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{Field, Schema, TimeUnit};
    use std::sync::Arc;

    fn query() -> ExportQuery {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        ExportQuery {
            name: "scl.members".to_owned(),
            file: "sql/exports/scl/members.sql".to_owned(),
            sql: "select 1\nfrom (\n  select 2\n  order by 1\n) x\norder by x.id;\n".to_owned(),
            needs: None,
            schema: Arc::new(Schema::new(vec![
                Field::new("id", DataType::Utf8, false),
                Field::new("joined_on", DataType::Date32, true),
                Field::new("created_at", utc, true),
            ])),
        }
    }

    #[test]
    fn columns_of_the_declared_form_are_copied_as_they_are() {
        let columns = [("id", &Type::VARCHAR), ("joined_on", &Type::DATE), ("created_at", &Type::TIMESTAMP)];
        assert_eq!(fit(&query(), "select a", &columns).unwrap(), ("select a".to_owned(), vec![]));
    }

    #[test]
    fn other_types_and_orders_are_cast_and_sorted_by_name() {
        let columns = [("created_at", &Type::TEXT), ("id", &Type::UUID), ("joined_on", &Type::DATE)];
        let (sql, casts) = fit(&query(), "select a", &columns).unwrap();
        let list = r#"q."id"::text as "id", q."joined_on", q."created_at"::timestamptz as "created_at""#;
        assert_eq!(sql, format!("select {list} from (\nselect a\n) q"));
        assert_eq!(casts, ["id (uuid → text)", "created_at (text → timestamptz)"]);
    }

    #[test]
    fn columns_too_many_and_too_few_are_listed_together() {
        let columns = [("id", &Type::TEXT), ("joinedOn", &Type::DATE), ("created_at", &Type::DATE), ("loyalty_no", &Type::TEXT)];
        let error = fit(&query(), "select a", &columns).unwrap_err();
        let fault = error.downcast_ref::<Fault>().unwrap();
        assert!(fault.what.ends_with("missing joined_on; unknown joinedOn, loyalty_no"), "{}", fault.what);
        assert!(fault.help[0].contains("did you mean \"joinedOn\"?"), "{:?}", fault.help);
    }

    #[test]
    fn rows_are_counted_without_the_last_order_by_only() {
        let counted = count_statement(&query().sql);
        assert_eq!(counted, "select count(*) from (select 1\nfrom (\n  select 2\n  order by 1\n) x) q");
    }
}
