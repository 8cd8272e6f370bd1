//! The parts that differ by source: raw datasets, the SQL that exports them, and the mapping to staged rows.

pub mod crm;
pub mod mca;
pub mod messaging;
pub mod scl;
pub mod staging;
pub mod teetime;

use arrow::datatypes::SchemaRef;

use crate::model::Source;
use crate::tables::{Dataset, Table};

/// One exported dataset: its declaration, and the statement that must return exactly the declared columns.
#[derive(Clone, Copy)]
pub struct Export {
    /// The entity, as in the file name after the double underscore.
    pub entity: &'static str,
    /// The declaration.
    pub dataset: Dataset,
    /// Arrow schema of the declaration.
    pub schema: fn() -> SchemaRef,
    /// The statement, as it runs in psql.
    pub sql: &'static str,
    /// The statement that counts the rows before the look-back, if there is a look-back.
    pub left_out: Option<&'static str>,
    /// Columns of ours that a CSV dump may leave out (they are null then).
    pub optional: &'static [&'static str],
    /// A table that may be missing; the export is empty then.
    pub needs: Option<&'static str>,
}

impl Export {
    /// An export of a table without look-back.
    pub fn of<T: Table>(entity: &'static str, sql: &'static str) -> Self {
        Self { entity, dataset: T::dataset(), schema: T::schema, sql, left_out: None, optional: &[], needs: None }
    }

    /// Empty where this table does not exist.
    pub fn needs(self, table: &'static str) -> Self {
        Self { needs: Some(table), ..self }
    }

    /// With a look-back window.
    pub fn windowed(self, left_out: &'static str) -> Self {
        Self { left_out: Some(left_out), ..self }
    }

    /// With columns that a CSV dump may leave out.
    pub fn optional(self, columns: &'static [&'static str]) -> Self {
        Self { optional: columns, ..self }
    }
}

/// The exports of a source, person records first.
pub fn exports(source: Source) -> Vec<Export> {
    match source {
        Source::McaZa => mca::exports_za(),
        Source::McaUk => mca::exports_uk(),
        Source::Scl => scl::exports(),
        Source::Teetime => teetime::exports(),
        Source::Messaging => messaging::exports(),
    }
}

/// Every raw declaration, those of the CRM export last.
pub fn datasets() -> Vec<Dataset> {
    use crate::model::Code;
    let sources = Source::ALL.iter().flat_map(|&source| exports(source));
    sources.chain(crm::exports()).map(|export| export.dataset).collect()
}
