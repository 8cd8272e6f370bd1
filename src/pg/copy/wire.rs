//! The wire formats of the types of the target.

/// The wire format of a type of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// `text`, `varchar`, `char`, enums and domains over them, with the maximal number of characters.
    Text(Option<usize>),
    /// `uuid`
    Uuid,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `double precision`
    Float8,
    /// `numeric`
    Numeric,
    /// `date`
    Date,
    /// `timestamp` or `timestamptz`: the same instant in UTC
    Timestamp,
    /// An array of types that are sent as text: the oid of its element type, and the maximal number of characters of an element.
    TextArray(u32, Option<usize>),
}
