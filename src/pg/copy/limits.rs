//! Limits of a column of the target beyond its type. They are checked before a load; errors never show the value.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int32Type;

/// Limits for the values of one column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Whether it is NOT NULL.
    pub is_required: bool,
    /// Labels of an enum; empty if any text is allowed.
    pub labels: Vec<String>,
    /// Most digits before the point of a number.
    pub whole_digits: Option<u32>,
}

/// Why a value does not fit its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// It is null where a value is required.
    Null,
    /// It has more characters than the column allows.
    Long,
    /// It is not a UUID.
    Uuid,
    /// It is not an integer, or beyond the column's range.
    Integer,
    /// It is not a label of the column's enum.
    Label,
    /// It has more digits before the point than the column allows.
    Digits,
}

impl Unfit {
    /// The reason as the end of a sentence about a dataset's column.
    pub fn words(self) -> &'static str {
        match self {
            Self::Null => "has no value where the target requires one",
            Self::Long => "has a value longer than the target's column",
            Self::Uuid => "has a value that is not a UUID",
            Self::Integer => "has a value that is not an integer of the target's range",
            Self::Label => "has a value that the target's enum lacks",
            Self::Digits => "has a number with more digits than the target's column",
        }
    }
}

impl Limits {
    /// The first limit that a value violates.
    pub fn unmet(&self, array: &ArrayRef, row: usize) -> Option<Unfit> {
        if array.is_null(row) {
            return self.is_required.then_some(Unfit::Null);
        }
        if !self.labels.is_empty() && self.missing_words(array, row).next().is_some() {
            return Some(Unfit::Label);
        }
        let limit = 10_u128.checked_pow(self.whole_digits?)?;
        is_wide(array, row, limit).then_some(Unfit::Digits)
    }

    /// The values of a text, or of a list of texts, that are not among the labels.
    pub fn missing_words<'a>(&'a self, array: &'a ArrayRef, row: usize) -> impl Iterator<Item = &'a str> {
        let range = match array.as_list_opt::<i32>() {
            Some(list) => {
                let offsets = list.value_offsets();
                usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0)
            }
            None => row..row + 1,
        };
        let values = array.as_list_opt::<i32>().map_or(array, |list| list.values()).as_string_opt::<i32>();
        let words = values.into_iter().flat_map(move |values| range.clone().map(|at| values.value(at)));
        words.filter(|word| !self.labels.iter().any(|label| label == word))
    }
}

fn is_wide(array: &ArrayRef, row: usize, limit: u128) -> bool {
    if let Some(decimals) = array.as_primitive_opt::<arrow::datatypes::Decimal128Type>() {
        let unit = 10_u128.pow(u32::from(decimals.scale().unsigned_abs()));
        return decimals.value(row).unsigned_abs() / unit >= limit;
    }
    let number = array.as_primitive_opt::<Int32Type>().map(|numbers| i64::from(numbers.value(row)));
    let number = number.or_else(|| array.as_string_opt::<i32>().and_then(|texts| texts.value(row).parse().ok()));
    number.is_some_and(|number: i64| u128::from(number.unsigned_abs()) >= limit)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, ListBuilder, StringArray, StringBuilder};

    use super::*;

    #[test]
    fn words_that_an_enum_lacks_are_found_in_texts_and_lists() {
        let limits = Limits { labels: vec!["a".to_owned(), "b".to_owned()], ..Limits::default() };
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("c"), None]));
        assert_eq!([0, 1, 2].map(|row| limits.unmet(&texts, row)), [None, Some(Unfit::Label), None]);
        let mut builder = ListBuilder::new(StringBuilder::new());
        for words in [&["a", "b"][..], &["b", "d", "e"], &[]] {
            words.iter().for_each(|word| builder.values().append_value(word));
            builder.append(true);
        }
        let lists: ArrayRef = Arc::new(builder.finish());
        assert_eq!([0, 1, 2].map(|row| limits.unmet(&lists, row)), [None, Some(Unfit::Label), None]);
        assert_eq!(limits.missing_words(&lists, 1).collect::<Vec<_>>(), ["d", "e"]);
    }

    #[test]
    fn digits_before_the_point_and_missing_values_are_limited() {
        let numbers: ArrayRef =
            Arc::new(Decimal128Array::from(vec![Some(99), Some(-100), None]).with_precision_and_scale(4, 1).unwrap());
        let limits = Limits { whole_digits: Some(1), is_required: true, ..Limits::default() };
        assert_eq!([0, 1, 2].map(|row| limits.unmet(&numbers, row)), [None, Some(Unfit::Digits), Some(Unfit::Null)]);
    }
}
