//! A rule as a typed tree, before its dates are resolved. It never contains text that a database would parse.

use crate::model::{Day, Timestamp};
use crate::segment_rule::{Decimal, Field};

/// A condition on a profile. It is true or false, never unknown: a comparison with a missing value is false.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Every condition holds; an empty list matches every profile.
    All(Vec<Node>),
    /// At least one holds; an empty list matches no profile.
    Any(Vec<Node>),
    /// Every profile that does not match, including those without a value.
    Not(Box<Node>),
    /// A field of the profile.
    Field(Field, Test),
    /// The profile's timeline.
    Activity(Box<ActivityTest>),
    /// Another segment of the tenant, by name.
    Member {
        /// Its name.
        segment: String,
        /// Whether the rule selects members, or everyone else.
        is_member: bool,
    },
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The value is missing.
    IsNull,
    /// The value is present.
    IsNotNull,
    /// A text.
    Text(TextTest),
    /// A number.
    Number(NumberTest),
    /// A yes or no.
    Flag(bool),
    /// A day or an instant.
    Date(DateTest),
    /// A list.
    List(ListTest),
}

/// Equal, different, larger, smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `eq`
    Eq,
    /// `neq`; false for a missing value.
    Neq,
    /// `gt`
    Gt,
    /// `gte`
    Gte,
    /// `lt`
    Lt,
    /// `lte`
    Lte,
}

impl Comparison {
    /// The operator's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Neq => "neq",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
        }
    }

    /// Whether the comparison of two values is true.
    pub fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Eq => left == right,
            Self::Neq => left != right,
            Self::Gt => left > right,
            Self::Gte => left >= right,
            Self::Lt => left < right,
            Self::Lte => left <= right,
        }
    }
}

/// A test of a text. Negated tests are false for a missing value.
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    /// `eq`, `in`; negated: `neq`, `notIn`.
    OneOf {
        /// The texts.
        values: Vec<String>,
        /// Whether the value must be none of them.
        negated: bool,
    },
    /// `contains`; negated: `notContains`.
    Contains {
        /// The part.
        part: String,
        /// Whether the part must be absent.
        negated: bool,
    },
    /// `startsWith`
    StartsWith(String),
    /// `endsWith`
    EndsWith(String),
}

/// A test of a number.
#[derive(Clone, Debug, PartialEq)]
pub enum NumberTest {
    /// One comparison.
    Compare(Comparison, Decimal),
    /// Both ends are included.
    Between(Decimal, Decimal),
    /// `in`; negated: `notIn`.
    OneOf {
        /// The numbers.
        values: Vec<Decimal>,
        /// Whether the value must be none of them.
        negated: bool,
    },
}

/// A test of a list of texts.
#[derive(Clone, Debug, PartialEq)]
pub enum ListTest {
    /// At least one is in the list.
    HasAny(Vec<String>),
    /// All are in the list.
    HasAll(Vec<String>),
    /// None is in the list.
    HasNone(Vec<String>),
}

/// A test of a day or an instant, relative to as_of in the tenant's zone.
#[derive(Clone, Debug, PartialEq)]
pub enum DateTest {
    /// A comparison with a moment; a day, and a relative date with a snap, stand for the whole of their unit.
    Compare(Comparison, When),
    /// The value is on the local day of the moment.
    On(When),
    /// Both ends are included.
    Between(When, When),
    /// Within a time span before as_of, never in the future.
    WithinLast(Ago),
    /// The complement of `WithinLast`; true for a missing date.
    NotWithinLast(Ago),
    /// Within a time span after as_of.
    WithinNext(Span),
    /// Longer ago than a time span.
    OlderThan(Ago),
    /// The next anniversary is within a time span, today included.
    AnniversaryWithin(Span),
}

/// A moment in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A local day.
    Day(Day),
    /// An instant.
    Instant(Timestamp),
    /// A local date and time, in microseconds since 1970 without a zone.
    Local(i64),
    /// Before or after as_of.
    Relative(Span, Option<Snap>),
}

/// A time span before as_of, optionally rounded down to the start of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ago {
    /// The length.
    pub span: Span,
    /// The unit to round down to.
    pub snap: Option<Snap>,
}

/// A length of time: hours and seconds are exact, longer units follow the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of units; negative before as_of.
    pub amount: i32,
    /// The unit.
    pub unit: SpanUnit,
}

crate::coded! {
    /// A unit of time.
    pub enum SpanUnit {
        /// Seconds.
        Second = "s",
        /// Hours.
        Hour = "h",
        /// Days of the calendar.
        Day = "d",
        /// Weeks.
        Week = "w",
        /// Months; clamped to the month's end.
        Month = "mo",
        /// Years; 29 February becomes 28 February.
        Year = "y",
    }
}

crate::coded! {
    /// The unit that a relative date is rounded down to.
    pub enum Snap {
        /// Local midnight.
        Day = "day",
        /// Monday.
        Week = "week",
        /// The first of the month.
        Month = "month",
        /// 1 January.
        Year = "year",
    }
}

/// A condition on a number that is computed over filtered activities.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityTest {
    /// The filter.
    pub filter: Filter,
    /// How the number is computed.
    pub aggregate: Aggregate,
    /// The condition: `IsNull`, `IsNotNull` or `Number`.
    pub test: Test,
}

/// A filter of activities. Empty lists mean any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Types.
    pub types: Vec<String>,
    /// Categories.
    pub categories: Vec<String>,
    /// Channels.
    pub channels: Vec<String>,
    /// Services.
    pub services: Vec<String>,
    /// Clubs.
    pub clubs: Vec<String>,
    /// Conditions on metadata, all of which must hold.
    pub conditions: Vec<Condition>,
    /// A time span before as_of.
    pub within_last: Option<Ago>,
    /// The first moment.
    pub from: Option<When>,
    /// The last moment; a day is included.
    pub to: Option<When>,
    /// Whether activities after as_of count.
    pub include_future: bool,
}

/// A condition on one metadata value; a value of another type counts as missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The keys of its path.
    pub path: Vec<String>,
    /// `IsNull`, `IsNotNull`, `Text`, `Number` or `Flag`.
    pub test: Test,
}

/// How a number is computed over activities.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregate {
    /// The number of activities; 0 if there are none.
    Count,
    /// The number of distinct texts, numbers or truth values at a path.
    CountDistinct(Vec<String>),
    /// The number of local days with activities.
    DistinctDays,
    /// Sum of the numbers at a path; 0 if there are none.
    Sum(Vec<String>),
    /// Their average; missing if there are none.
    Avg(Vec<String>),
    /// The smallest; missing if there are none.
    Min(Vec<String>),
    /// The largest; missing if there are none.
    Max(Vec<String>),
    /// Whole days since the last activity; missing if there are none.
    DaysSinceLast,
    /// Whole days since the first activity; missing if there are none.
    DaysSinceFirst,
}
