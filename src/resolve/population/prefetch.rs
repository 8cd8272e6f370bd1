//! Waiting for memory side by side: what a group of records or values will need is looked at before any of it is worked on, because
//! places scattered over gigabytes take a hundred times longer to reach one after the other than at once.

/// So many records or values are worked on together.
pub const ABREAST: usize = 16;

/// Looks at memory, whose contents must not depend on one another.
pub fn look(values: impl Iterator<Item = u32>) {
    std::hint::black_box(values.fold(0, |all, value| all ^ value));
}
