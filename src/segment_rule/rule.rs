//! A rule as a typed tree: what was asked, before dates are resolved. Never text that a database would parse.

use crate::model::{Day, Timestamp};
use crate::segment_rule::{Decimal, Field};

/// A condition on a profile. Two-valued: a missing value makes a comparison false, never unknown.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Every condition holds; empty: everyone.
    All(Vec<Node>),
    /// At least one holds; an empty list matches no profile.
    Any(Vec<Node>),
    /// The plain complement, which includes people whose value is missing.
    Not(Box<Node>),
    /// A field of the profile.
    Field(Field, Test),
    /// The profile's timeline.
    Activity(Box<ActivityTest>),
    /// Another segment of the tenant, by name.
    Member {
        /// Its name.
        segment: String,
        /// Whether members or all others are meant.
        is_member: bool,
    },
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It is missing.
    IsNull,
    /// It is there.
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

    /// Whether it holds between two values.
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
        /// Whether it must be none of them.
        negated: bool,
    },
    /// `contains`; negated: `notContains`.
    Contains {
        /// The part.
        part: String,
        /// Whether it must not be there.
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
    /// Both ends belong to it.
    Between(Decimal, Decimal),
    /// `in`; negated: `notIn`.
    OneOf {
        /// The numbers.
        values: Vec<Decimal>,
        /// Whether it must be none of them.
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
    /// The local day of the moment.
    On(When),
    /// Both ends belong to it.
    Between(When, When),
    /// Not longer ago, and not in the future.
    WithinLast(Ago),
    /// The complement: true for a missing date.
    NotWithinLast(Ago),
    /// Not past, and not later than this.
    WithinNext(Span),
    /// Longer ago.
    OlderThan(Ago),
    /// The next anniversary comes within this span, today included.
    AnniversaryWithin(Span),
}

/// A moment in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A day in the tenant's zone.
    Day(Day),
    /// An instant.
    Instant(Timestamp),
    /// Date and time in the tenant's zone, microseconds since 1970 on its clocks.
    Local(i64),
    /// Before or after as_of.
    Relative(Span, Option<Snap>),
}

/// So long before as_of, rounded down to the start of a unit if asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ago {
    /// How long.
    pub span: Span,
    /// The unit to whose start it is rounded down.
    pub snap: Option<Snap>,
}

/// A length of time: hours and seconds are exact, longer units follow the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many; negative before as_of.
    pub amount: i32,
    /// Of what.
    pub unit: Unit,
}

crate::coded! {
    /// A unit of time.
    pub enum Unit {
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
    /// What a relative date may be rounded down to.
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

/// A number computed over the activities that pass a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityTest {
    /// Which activities.
    pub filter: Filter,
    /// Which number.
    pub aggregate: Aggregate,
    /// What is asked of it: `IsNull`, `IsNotNull` or `Number`.
    pub test: Test,
}

/// Which activities are meant; empty lists mean any.
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
    /// Not longer ago than this.
    pub within_last: Option<Ago>,
    /// Not before.
    pub from: Option<When>,
    /// Not after; a day belongs to it.
    pub to: Option<When>,
    /// Whether activities after as_of count.
    pub include_future: bool,
}

/// A condition on one metadata value; a value of another type counts as missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// `IsNull`, `IsNotNull`, `Text`, `Number` or `Flag`.
    pub test: Test,
}

/// The number computed over activities.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregate {
    /// How many; 0 over nothing.
    Count,
    /// How many distinct texts, numbers or truth values at a path.
    CountDistinct(Vec<String>),
    /// On how many local days.
    DistinctDays,
    /// Sum of the numbers at a path; 0 over nothing.
    Sum(Vec<String>),
    /// Their average; missing over nothing.
    Avg(Vec<String>),
    /// The smallest; missing over nothing.
    Min(Vec<String>),
    /// The largest; missing over nothing.
    Max(Vec<String>),
    /// Whole days since the latest; missing over nothing.
    DaysSinceLast,
    /// Whole days since the earliest; missing over nothing.
    DaysSinceFirst,
}
