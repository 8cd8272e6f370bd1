//! Software prefetch: touches the cache lines that a batch needs, so that the cache misses overlap. Reaching places scattered over
//! gigabytes one after the other takes a hundred times longer.

/// Records or values in a batch.
pub const ABREAST: usize = 16;

/// Reads the values, so that their cache lines are loaded. No value may depend on another one.
pub fn look(values: impl Iterator<Item = u32>) {
    std::hint::black_box(values.fold(0, |all, value| all ^ value));
}
