//! Conversion between Rust types and Arrow columns, without an allocation per cell.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBuilder, Date32Array, Date32Builder, Decimal128Array, Decimal128Builder, Int32Array,
    Int32Builder, Int64Array, Int64Builder, ListArray, ListBuilder, StringArray, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::model::{Code, Day, Handicap, Timestamp};

/// A type that a dataset's column can have.
pub trait Cell {
    /// The value of a row; text borrows from the column.
    type Value<'a>: Copy + PartialEq + std::fmt::Debug;
    /// A typed view of the column.
    type Column: Clone + Send + Sync;
    /// The builder of the column.
    type Builder: Send;

    /// Whether the column may hold nulls.
    const NULLABLE: bool = false;
    /// Whether few distinct values are expected, so that a dictionary pays on disk.
    const DICTIONARY: bool = false;
    /// Whether the steps read the column back; see [`Kept`].
    const READ: bool = true;

    /// The words that a value may be, if it is one of a closed set.
    fn words() -> Vec<&'static str> {
        Vec::new()
    }
    /// The Arrow type.
    fn data_type() -> DataType;
    /// The typed view, or what is wrong with the array. Nulls are checked by the caller.
    fn column(array: &ArrayRef) -> Result<Self::Column, String>;
    /// The view of a column that was left out when the file was read; `None` where it must not be.
    fn unread() -> Option<Self::Column> {
        None
    }
    /// The value of a row; unspecified where the row is null.
    fn value(column: &Self::Column, row: usize) -> Self::Value<'_>;
    /// An empty builder with room for this many rows.
    fn builder(capacity: usize) -> Self::Builder;
    /// Appends a value.
    fn append(builder: &mut Self::Builder, value: Self::Value<'_>);
    /// Appends a null; only called below an `Option`.
    fn append_null(builder: &mut Self::Builder);
    /// The finished array; the builder is empty afterwards.
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
}

/// Text of any content.
pub struct Text;
/// Text with few distinct values, such as a club's name or a status.
pub struct Label;
/// A list of texts.
pub struct Texts;
/// A value kept for readers of the file; null where there is none. No step reads it back: in a dataset read from its folder the
/// column is null everywhere, so that it takes no memory.
pub struct Kept<C>(PhantomData<C>);

fn downcast<A: Array + Clone + 'static>(array: &ArrayRef) -> Result<A, String> {
    array.as_any().downcast_ref::<A>().cloned().ok_or_else(|| format!("has type {}", array.data_type()))
}

macro_rules! text_cell {
    ($marker:ty, $dictionary:literal) => {
        impl Cell for $marker {
            type Value<'a> = &'a str;
            type Column = StringArray;
            type Builder = StringBuilder;
            const DICTIONARY: bool = $dictionary;

            fn data_type() -> DataType {
                DataType::Utf8
            }
            fn column(array: &ArrayRef) -> Result<StringArray, String> {
                downcast(array)
            }
            fn value(column: &StringArray, row: usize) -> &str {
                column.value(row)
            }
            fn builder(capacity: usize) -> StringBuilder {
                StringBuilder::with_capacity(capacity, capacity * 16)
            }
            fn append(builder: &mut StringBuilder, value: &str) {
                builder.append_value(value);
            }
            fn append_null(builder: &mut StringBuilder) {
                builder.append_null();
            }
            fn finish(builder: &mut StringBuilder) -> ArrayRef {
                Arc::new(builder.finish())
            }
        }
    };
}

text_cell!(Text, false);
text_cell!(Label, true);

macro_rules! plain_cell {
    ($value:ty, $array:ty, $builder:ty, $data_type:expr, $from:expr, $to:expr, $make:expr) => {
        impl Cell for $value {
            type Value<'a> = $value;
            type Column = $array;
            type Builder = $builder;

            fn data_type() -> DataType {
                $data_type
            }
            fn column(array: &ArrayRef) -> Result<$array, String> {
                downcast(array)
            }
            fn value(column: &$array, row: usize) -> $value {
                $from(column.value(row))
            }
            fn builder(capacity: usize) -> $builder {
                $make(capacity)
            }
            fn append(builder: &mut $builder, value: $value) {
                builder.append_value($to(value));
            }
            fn append_null(builder: &mut $builder) {
                builder.append_null();
            }
            fn finish(builder: &mut $builder) -> ArrayRef {
                Arc::new(builder.finish())
            }
        }
    };
}

plain_cell!(bool, BooleanArray, BooleanBuilder, DataType::Boolean, |v| v, |v| v, BooleanBuilder::with_capacity);
plain_cell!(i32, Int32Array, Int32Builder, DataType::Int32, |v| v, |v| v, Int32Builder::with_capacity);
plain_cell!(i64, Int64Array, Int64Builder, DataType::Int64, |v| v, |v| v, Int64Builder::with_capacity);
plain_cell!(Day, Date32Array, Date32Builder, DataType::Date32, Day, |v: Day| v.0, Date32Builder::with_capacity);
plain_cell!(
    Timestamp,
    TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    Timestamp,
    |v: Timestamp| v.0,
    |capacity| TimestampMicrosecondBuilder::with_capacity(capacity).with_timezone("UTC")
);
plain_cell!(
    Handicap,
    Decimal128Array,
    Decimal128Builder,
    DataType::Decimal128(4, 1),
    |v: i128| Handicap(i32::try_from(v).expect("a decimal of four digits")),
    |v: Handicap| i128::from(v.0),
    |capacity| Decimal128Builder::with_capacity(capacity).with_data_type(DataType::Decimal128(4, 1))
);

/// A borrowed list of texts.
#[derive(Clone, Copy)]
pub enum TextList<'a> {
    /// From code.
    Slice(&'a [&'a str]),
    /// From a list column: the values and the range of this row.
    Column(&'a StringArray, usize, usize),
}

impl<'a> TextList<'a> {
    /// The texts in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let (slice, column): (&'a [&'a str], _) = match self {
            Self::Slice(slice) => (slice, None),
            Self::Column(values, start, end) => (&[], Some((values, start..end))),
        };
        slice.iter().copied().chain(column.into_iter().flat_map(|(values, range)| range.map(|row| values.value(row))))
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl PartialEq for TextList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for TextList<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Cell for Texts {
    type Value<'a> = TextList<'a>;
    type Column = (ListArray, StringArray);
    type Builder = ListBuilder<StringBuilder>;

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
    }
    fn column(array: &ArrayRef) -> Result<Self::Column, String> {
        let list: ListArray = downcast(array)?;
        let values = downcast(list.values())?;
        Ok((list, values))
    }
    fn value((list, values): &Self::Column, row: usize) -> TextList<'_> {
        let offsets = list.value_offsets();
        let at = |index: usize| usize::try_from(offsets[index]).unwrap_or(0);
        TextList::Column(values, at(row), at(row + 1))
    }
    fn builder(capacity: usize) -> Self::Builder {
        ListBuilder::with_capacity(StringBuilder::new(), capacity)
    }
    fn append(builder: &mut Self::Builder, value: TextList<'_>) {
        for text in value.iter() {
            builder.values().append_value(text);
        }
        builder.append(true);
    }
    fn append_null(builder: &mut Self::Builder) {
        builder.append(false);
    }
    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

impl<C: Code> Cell for C {
    type Value<'a> = C;
    type Column = Arc<[C]>;
    type Builder = StringBuilder;
    const DICTIONARY: bool = true;

    fn words() -> Vec<&'static str> {
        C::ALL.iter().map(|word| word.code()).collect()
    }
    fn data_type() -> DataType {
        DataType::Utf8
    }
    fn column(array: &ArrayRef) -> Result<Self::Column, String> {
        let texts: StringArray = downcast(array)?;
        texts
            .iter()
            .enumerate()
            .map(|(row, code)| match code {
                None => Ok(C::ALL[0]),
                Some(code) => C::from_code(code).ok_or_else(|| format!("holds an unknown code in row {row}")),
            })
            .collect()
    }
    fn value(column: &Self::Column, row: usize) -> C {
        column[row]
    }
    fn builder(capacity: usize) -> StringBuilder {
        StringBuilder::with_capacity(capacity, capacity * 12)
    }
    fn append(builder: &mut StringBuilder, value: C) {
        builder.append_value(value.code());
    }
    fn append_null(builder: &mut StringBuilder) {
        builder.append_null();
    }
    fn finish(builder: &mut StringBuilder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

impl<C: Cell> Cell for Option<C> {
    type Value<'a> = Option<C::Value<'a>>;
    type Column = (C::Column, Option<NullBuffer>);
    type Builder = C::Builder;
    const NULLABLE: bool = true;
    const DICTIONARY: bool = C::DICTIONARY;

    fn words() -> Vec<&'static str> {
        C::words()
    }
    fn data_type() -> DataType {
        C::data_type()
    }
    fn column(array: &ArrayRef) -> Result<Self::Column, String> {
        Ok((C::column(array)?, array.nulls().cloned()))
    }
    fn value((column, nulls): &Self::Column, row: usize) -> Self::Value<'_> {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) { None } else { Some(C::value(column, row)) }
    }
    fn builder(capacity: usize) -> C::Builder {
        C::builder(capacity)
    }
    fn append(builder: &mut C::Builder, value: Self::Value<'_>) {
        match value {
            Some(value) => C::append(builder, value),
            None => C::append_null(builder),
        }
    }
    fn append_null(builder: &mut C::Builder) {
        C::append_null(builder);
    }
    fn finish(builder: &mut C::Builder) -> ArrayRef {
        C::finish(builder)
    }
}

impl<C: Cell> Cell for Kept<C> {
    type Value<'a> = Option<C::Value<'a>>;
    type Column = Option<<Option<C> as Cell>::Column>;
    type Builder = C::Builder;
    const NULLABLE: bool = true;
    const DICTIONARY: bool = C::DICTIONARY;
    const READ: bool = false;

    fn words() -> Vec<&'static str> {
        C::words()
    }
    fn data_type() -> DataType {
        C::data_type()
    }
    fn column(array: &ArrayRef) -> Result<Self::Column, String> {
        <Option<C> as Cell>::column(array).map(Some)
    }
    fn unread() -> Option<Self::Column> {
        Some(None)
    }
    fn value(column: &Self::Column, row: usize) -> Self::Value<'_> {
        <Option<C> as Cell>::value(column.as_ref()?, row)
    }
    fn builder(capacity: usize) -> C::Builder {
        C::builder(capacity)
    }
    fn append(builder: &mut C::Builder, value: Self::Value<'_>) {
        <Option<C> as Cell>::append(builder, value);
    }
    fn append_null(builder: &mut C::Builder) {
        C::append_null(builder);
    }
    fn finish(builder: &mut C::Builder) -> ArrayRef {
        C::finish(builder)
    }
}
