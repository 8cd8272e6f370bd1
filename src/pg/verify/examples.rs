//! A count with the ids of the first few rows counted.

use crate::pg::compare::IdKey;

/// Ids that are shown for one comparison.
const SHOWN: usize = 5;

/// A count of rows, with the five smallest ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// The number.
    pub count: u64,
    first: Vec<IdKey>,
}

impl Examples {
    /// Counts a row.
    pub fn count(&mut self, key: IdKey) {
        self.count += 1;
        if self.first.len() < SHOWN || self.first.last().is_some_and(|last| key < *last) {
            let at = self.first.partition_point(|known| *known < key);
            self.first.insert(at, key);
            self.first.truncate(SHOWN);
        }
    }

    /// Counts a row if `is_so`.
    pub fn count_if(&mut self, is_so: bool, key: IdKey) {
        if is_so {
            self.count(key);
        }
    }

    /// The ids.
    pub fn ids(&self) -> Vec<String> {
        self.first.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_ids_are_shown_whatever_the_order() {
        let key = |number: u32| IdKey::of(format!("bf110000-0000-8000-8000-{number:012}").as_bytes());
        let (mut up, mut down) = (Examples::default(), Examples::default());
        (0..9).for_each(|number| up.count(key(number)));
        (0..9).rev().for_each(|number| down.count(key(number)));
        assert_eq!(up, down);
        assert_eq!((up.count, up.ids().len()), (9, 5));
        assert!(up.ids()[0].ends_with("000"));
    }
}
