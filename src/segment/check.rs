//! Conditions on single values.

use crate::segment_rule::rule::{ListTest, NumberTest, TextTest};
use crate::segment_rule::{Decimal, text};
use crate::tables::TextList;

/// Tests a text; the buffer is reused from row to row.
pub fn text(test: &TextTest, value: &str, buffer: &mut String) -> bool {
    text::fold_into(value, buffer);
    match test {
        TextTest::OneOf { values, negated } => holds(values, buffer) != *negated,
        TextTest::Contains { part, negated } => buffer.contains(part.as_str()) != *negated,
        TextTest::StartsWith(part) => buffer.starts_with(part.as_str()),
        TextTest::EndsWith(part) => buffer.ends_with(part.as_str()),
    }
}

/// Whether a sorted list contains a text.
pub fn holds(sorted: &[String], text: &str) -> bool {
    sorted.binary_search_by(|value| value.as_str().cmp(text)).is_ok()
}

/// Tests a list of texts.
pub fn list(test: &ListTest, value: TextList<'_>, buffer: &mut String) -> bool {
    let mut any_of = |sorted: &[String]| {
        value.iter().any(|text| {
            text::fold_into(text, buffer);
            holds(sorted, buffer)
        })
    };
    match test {
        ListTest::HasAny(values) => any_of(values),
        ListTest::HasNone(values) => !any_of(values),
        ListTest::HasAll(values) => values.iter().all(|wanted| any_of(std::slice::from_ref(wanted))),
    }
}

/// A fraction, so that averages are compared exactly; the denominator is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// Numerator in millionths.
    pub numerator: i128,
    /// Denominator.
    pub denominator: i128,
}

impl Fraction {
    /// A whole fraction of a number.
    pub fn of(number: Decimal) -> Self {
        Self { numerator: number.0, denominator: 1 }
    }

    fn ordering(self, other: Decimal) -> std::cmp::Ordering {
        self.numerator.cmp(&(other.0 * self.denominator))
    }
}

/// Tests a number.
pub fn number(test: &NumberTest, value: Fraction) -> bool {
    use std::cmp::Ordering;
    match test {
        NumberTest::Compare(comparison, other) => comparison.holds(&value.numerator, &(other.0 * value.denominator)),
        NumberTest::Between(from, to) => value.ordering(*from) != Ordering::Less && value.ordering(*to) != Ordering::Greater,
        NumberTest::OneOf { values, negated } => values.iter().any(|other| value.ordering(*other) == Ordering::Equal) != *negated,
    }
}
