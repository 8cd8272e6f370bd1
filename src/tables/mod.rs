//! Declares datasets, and holds every dataset that does not belong to one source.
//!
//! A dataset is declared once, by [`table!`](crate::table). The declaration gives its Arrow schema with descriptions, a typed
//! view of its columns, rows that borrow from that view, a builder for such rows, and its page in `schemas/datasets/`. Owned
//! row structs would cost an allocation for every text cell, which would be most of the run time at 27 million records.

pub mod cell;
pub mod check;
pub mod crm;
pub mod dictionary;
mod profile_index;
pub mod resolution;
pub mod score;
pub mod stage;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::model::Source;

pub use cell::{Cell, Kept, Label, Text, TextList, Texts};
pub use profile_index::ProfileIndex;

/// A dataset's declaration: implemented by [`table!`](crate::table), never by hand.
pub trait Table: 'static {
    /// One row, borrowing its texts.
    type Row<'a>: Copy;
    /// The typed columns of one batch.
    type Columns: Columns + Send + Sync;
    /// Collects rows into a batch.
    type Builder: Builder + Send;

    /// The dataset's name and file stem; `{source}` stands for the source where each has its own.
    const STEM: &'static str;
    /// What a row means.
    const DESCRIPTION: &'static str;
    /// The columns that identify a row, in sort order.
    const KEY: &'static [&'static str];

    /// The columns with their descriptions.
    fn fields() -> &'static [Column];
    /// Columns of a batch, checked by name, type and nullability.
    fn columns(batch: &RecordBatch) -> Result<Self::Columns, TableError>;
    /// The row at an index.
    fn row(columns: &Self::Columns, row: usize) -> Self::Row<'_>;
    /// An empty builder.
    fn builder(capacity: usize) -> Self::Builder;
    /// Appends a row.
    fn push(builder: &mut Self::Builder, row: Self::Row<'_>);

    /// The dataset's name for a source (`None` where all sources meet).
    fn stem(source: Option<Source>) -> String {
        match source {
            Some(source) => Self::STEM.replace("{source}", crate::model::Code::code(source)),
            None => Self::STEM.to_owned(),
        }
    }

    /// The Arrow schema: types, nullability and, as field metadata, the descriptions.
    fn schema() -> SchemaRef {
        let fields = Self::fields().iter().map(|column| {
            Field::new(column.name, (column.data_type)(), column.nullable)
                .with_metadata(HashMap::from([("description".to_owned(), column.description())]))
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The dataset as a value, for registries and documents.
    fn dataset() -> Dataset {
        Dataset { stem: Self::STEM, description: Self::DESCRIPTION, key: Self::KEY, columns: Self::fields() }
    }
}

/// The common interface of typed views of a batch.
pub trait Columns {
    /// Rows in the batch.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The common interface of builders.
pub trait Builder {
    /// Rows collected so far.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The collected rows as a batch; the builder is empty afterwards.
    fn finish(&mut self) -> RecordBatch;
}

/// A column's declaration.
pub struct Column {
    /// snake_case name.
    pub name: &'static str,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether few distinct values are expected.
    pub dictionary: bool,
    /// Whether the steps read it back.
    pub read: bool,
    /// The Arrow type.
    pub data_type: fn() -> DataType,
    /// The words that a value may be, if it is one of a closed set; else none.
    pub words: fn() -> Vec<&'static str>,
    /// The lines of its description.
    pub doc: &'static [&'static str],
}

impl Column {
    /// What the column means.
    pub fn description(&self) -> String {
        join_doc(self.doc)
    }
}

fn join_doc(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A declaration as a value.
#[derive(Clone, Copy)]
pub struct Dataset {
    /// Name and file stem, with `{source}` where each source has its own.
    pub stem: &'static str,
    /// What a row means.
    pub description: &'static str,
    /// The identifying columns in sort order.
    pub key: &'static [&'static str],
    /// The columns.
    pub columns: &'static [Column],
}

/// A file that does not match the declaration of its dataset.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TableError {
    /// A declared column is not there.
    #[error("dataset {dataset:?} has no column {column:?}")]
    Missing {
        /// Stem.
        dataset: &'static str,
        /// Column.
        column: &'static str,
    },
    /// A column holds something else.
    #[error("dataset {dataset:?}, column {column:?}: {found}")]
    Unfit {
        /// Stem.
        dataset: &'static str,
        /// Column.
        column: &'static str,
        /// What was found instead.
        found: String,
    },
}

/// The column of a batch in its type; used by [`table!`](crate::table).
pub fn typed_column<C: Cell>(batch: &RecordBatch, dataset: &'static str, column: &'static str) -> Result<C::Column, TableError> {
    let Some(array) = batch.column_by_name(column) else {
        return C::unread().ok_or(TableError::Missing { dataset, column });
    };
    if !C::NULLABLE && array.null_count() > 0 {
        let found = format!("{} nulls where none are allowed", array.null_count());
        return Err(TableError::Unfit { dataset, column, found });
    }
    C::column(array).map_err(|found| TableError::Unfit { dataset, column, found })
}

/// The column in a form that Arrow can print. Its printer does not support named zones, so `UTC` is removed.
pub fn printable(column: &ArrayRef) -> ArrayRef {
    match column.as_any().downcast_ref::<TimestampMicrosecondArray>() {
        Some(instants) => Arc::new(instants.clone().with_timezone_opt::<&str>(None)),
        None => column.clone(),
    }
}

/// Declares a dataset as a module: `Table`, `Row`, `Columns`, `Builder`.
///
/// ```ignore
/// table! {
///     /// One row per person in one source.
///     pub mod people = "stg_{source}__people", key(source_id) {
///         /// The id in the source.
///         source_id: Text,
///         /// Lower-cased address; null when the source had none.
///         email: Option<Text>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! table {
    ($(#[doc = $doc:literal])+ pub mod $module:ident = $stem:literal, key($($key:ident),+ $(,)?) {
        $($(#[doc = $field_doc:literal])+ $field:ident : $cell:ty),+ $(,)?
    }) => {
        $(#[doc = $doc])+
        pub mod $module {
            #[allow(unused_imports, reason = "a dataset uses only some of the cell types")]
            use super::*;
            use $crate::tables::Cell;

            /// The declaration.
            pub struct Table;

            /// One row.
            #[derive(Clone, Copy, Debug, PartialEq)]
            pub struct Row<'a> {
                $($(#[doc = $field_doc])+ pub $field: <$cell as Cell>::Value<'a>),+
            }

            /// The typed columns of a batch.
            #[derive(Clone)]
            pub struct Columns {
                rows: usize,
                $($field: <$cell as Cell>::Column),+
            }

            /// Collects rows into a batch.
            pub struct Builder {
                rows: usize,
                $($field: <$cell as Cell>::Builder),+
            }

            #[allow(dead_code, reason = "a dataset offers every column, its readers use some")]
            impl Columns {
                $($(#[doc = $field_doc])+
                pub fn $field(&self, row: usize) -> <$cell as Cell>::Value<'_> {
                    <$cell as Cell>::value(&self.$field, row)
                })+

                /// Every row in order.
                pub fn rows(&self) -> impl Iterator<Item = Row<'_>> + '_ {
                    (0..self.rows).map(|row| self.row(row))
                }

                /// The row at an index.
                pub fn row(&self, row: usize) -> Row<'_> {
                    Row { $($field: <$cell as Cell>::value(&self.$field, row)),+ }
                }
            }

            impl $crate::tables::Columns for Columns {
                fn len(&self) -> usize {
                    self.rows
                }
            }

            impl Builder {
                /// An empty builder with room for this many rows.
                pub fn new(capacity: usize) -> Self {
                    Self { rows: 0, $($field: <$cell as Cell>::builder(capacity)),+ }
                }

                /// Appends a row.
                pub fn push(&mut self, row: Row<'_>) {
                    self.rows += 1;
                    $(<$cell as Cell>::append(&mut self.$field, row.$field);)+
                }
            }

            impl $crate::tables::Builder for Builder {
                fn len(&self) -> usize {
                    self.rows
                }
                fn finish(&mut self) -> arrow::array::RecordBatch {
                    self.rows = 0;
                    let columns = vec![$(<$cell as Cell>::finish(&mut self.$field)),+];
                    arrow::array::RecordBatch::try_new(<Table as $crate::tables::Table>::schema(), columns)
                        .expect("a declaration's columns fit its own schema")
                }
            }

            impl $crate::tables::Table for Table {
                type Row<'a> = Row<'a>;
                type Columns = Columns;
                type Builder = Builder;

                const STEM: &'static str = $stem;
                const DESCRIPTION: &'static str = concat!($($doc),+);
                const KEY: &'static [&'static str] = &[$(stringify!($key)),+];

                fn fields() -> &'static [$crate::tables::Column] {
                    const FIELDS: &[$crate::tables::Column] = &[$($crate::tables::Column {
                        name: stringify!($field),
                        nullable: <$cell as Cell>::NULLABLE,
                        dictionary: <$cell as Cell>::DICTIONARY,
                        read: <$cell as Cell>::READ,
                        data_type: <$cell as Cell>::data_type,
                        words: <$cell as Cell>::words,
                        doc: &[$($field_doc),+],
                    }),+];
                    FIELDS
                }
                fn columns(batch: &arrow::array::RecordBatch) -> Result<Columns, $crate::tables::TableError> {
                    Ok(Columns {
                        rows: batch.num_rows(),
                        $($field: $crate::tables::typed_column::<$cell>(batch, $stem, stringify!($field))?),+
                    })
                }
                fn row(columns: &Columns, row: usize) -> Row<'_> {
                    columns.row(row)
                }
                fn builder(capacity: usize) -> Builder {
                    Builder::new(capacity)
                }
                fn push(builder: &mut Builder, row: Row<'_>) {
                    builder.push(row);
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Gender, Handicap, Timestamp};

    table! {
        /// A dataset for tests.
        pub mod sample = "test__samples", key(id) {
            /// The id.
            id: Text,
            /// A word
            /// on two lines.
            gender: Option<Gender>,
            /// A number.
            handicap: Option<Handicap>,
            /// Words.
            tags: Texts,
            /// A time.
            at: Timestamp,
        }
    }

    fn batch() -> RecordBatch {
        let mut builder = sample::Builder::new(2);
        let first = sample::Row {
            id: "a",
            gender: None,
            handicap: Some(Handicap(-21)),
            tags: TextList::Slice(&["x", "y"]),
            at: Timestamp(5),
        };
        builder.push(first);
        builder.push(sample::Row { id: "b", gender: Some(Gender::Other), handicap: None, tags: TextList::Slice(&[]), ..first });
        Builder::finish(&mut builder)
    }

    #[test]
    fn rows_come_back_as_they_were_pushed() {
        let columns = sample::Table::columns(&batch()).unwrap();
        assert_eq!(columns.len(), 2);
        assert_eq!(columns.row(0).handicap, Some(Handicap(-21)));
        assert_eq!(columns.row(0).tags.iter().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(columns.gender(0), None);
        assert_eq!(columns.gender(1), Some(Gender::Other));
        assert!(columns.row(1).tags.is_empty());
    }

    #[test]
    fn a_missing_column_is_named_with_its_dataset() {
        let mut batch = batch();
        batch.remove_column(1);
        let error = sample::Table::columns(&batch).err().unwrap();
        assert_eq!(error.to_string(), r#"dataset "test__samples" has no column "gender""#);
    }

    #[test]
    fn descriptions_are_inside_the_schema() {
        let schema = sample::Table::schema();
        assert_eq!(schema.field(1).metadata()["description"], "A word on two lines.");
        assert!(schema.field(1).is_nullable());
        assert!(!schema.field(0).is_nullable());
    }
}
