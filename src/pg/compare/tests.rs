//! Tests: the comparison finds exactly the rows that differ, for any number, order and memory budget.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;

struct Rows {
    rows: Vec<(IdKey, [u64; 2])>,
    read: Cell<usize>,
}

impl Rows {
    fn of(rows: impl IntoIterator<Item = (u32, [u64; 2])>) -> Self {
        Self { rows: rows.into_iter().map(|(id, values)| (key(id), values)).collect(), read: Cell::new(0) }
    }
}

impl ComparedSide for Rows {
    fn rows(&self, _: Option<&[u32]>, on: &mut OnRow<'_>) -> Result<()> {
        self.read.set(self.read.get() + 1);
        self.rows.iter().try_for_each(|(key, columns)| on(ComparedRow { key: *key, columns, marks: RowMarks::default() }))
    }
}

fn key(id: u32) -> IdKey {
    let spread = id.wrapping_mul(0x9e37_79b9);
    IdKey::of(format!("bf11{:04x}-0000-8000-8000-0000{id:08x}", spread >> 16).as_bytes())
}

/// Missing, extra and other rows.
type Found = (Vec<IdKey>, Vec<IdKey>, Vec<IdKey>);

fn compare(files: &Rows, crm: &Rows, budget: usize) -> (Found, Seen) {
    let mut found = Found::default();
    let comparison = TableComparison { files, crm, width: 2, budget };
    let seen = comparison.run(&mut |_, _| false, &mut |key, difference| {
        match difference {
            Difference::Missing { .. } => found.0.push(key),
            Difference::Extra { .. } => found.1.push(key),
            Difference::Other { filed, held } => {
                assert_ne!(filed, held);
                found.2.push(key);
            }
        }
        Ok(())
    });
    found.0.sort();
    found.1.sort();
    found.2.sort();
    (found, seen.unwrap())
}

#[test]
fn equal_sides_are_read_once_in_any_order() {
    let files = Rows::of((0..500).map(|id| (id, [u64::from(id), 7])));
    let crm = Rows::of((0..500).rev().map(|id| (id, [u64::from(id), 7])));
    let (found, seen) = compare(&files, &crm, 1 << 20);
    assert_eq!(found, Found::default());
    assert_eq!((seen.filed, seen.held, seen.buckets, seen.passes), (500, 500, 0, 1));
    assert_eq!((files.read.get(), crm.read.get()), (1, 1));
}

#[test]
fn swapped_contents_of_two_rows_are_two_differences() {
    let files = Rows::of([(1, [10, 20]), (2, [11, 21]), (3, [12, 22])]);
    let crm = Rows::of([(1, [11, 20]), (2, [10, 21]), (3, [12, 22])]);
    let (found, _) = compare(&files, &crm, 1 << 20);
    assert_eq!(found, (vec![], vec![], sorted([1, 2])));
}

#[test]
fn a_row_twice_is_one_too_many() {
    let files = Rows::of([(1, [10, 20])]);
    let crm = Rows::of([(1, [10, 20]), (1, [10, 20])]);
    let (found, seen) = compare(&files, &crm, 1 << 20);
    assert_eq!(found, (vec![], sorted([1]), vec![]));
    assert_eq!(seen.held, 2);
}

fn sorted<const N: usize>(ids: [u32; N]) -> Vec<IdKey> {
    let mut keys = ids.map(key).to_vec();
    keys.sort();
    keys
}

proptest! {
    #[test]
    fn what_differs_is_found_row_by_row_in_any_budget(
        filed in proptest::collection::btree_map(0_u32..60, (0_u64..3, 0_u64..3), 0..60),
        held in proptest::collection::btree_map(0_u32..60, (0_u64..3, 0_u64..3), 0..60),
        budget in 1_usize..4_000,
    ) {
        let rows = |map: &std::collections::BTreeMap<u32, (u64, u64)>| Rows::of(map.iter().map(|(id, (a, b))| (*id, [*a, *b])));
        let (found, _) = compare(&rows(&filed), &rows(&held), budget);
        let pick = |ids: Vec<u32>| { let mut keys: Vec<IdKey> = ids.into_iter().map(key).collect(); keys.sort(); keys };
        let missing = filed.keys().filter(|id| !held.contains_key(id)).copied().collect();
        let extra = held.keys().filter(|id| !filed.contains_key(id)).copied().collect();
        let other = filed.iter().filter(|(id, row)| held.get(id).is_some_and(|held| held != *row)).map(|(id, _)| *id).collect();
        prop_assert_eq!(found, (pick(missing), pick(extra), pick(other)));
    }
}
