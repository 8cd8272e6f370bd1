//! Commutative sums of rows by bucket, which take two megabytes for a table of any size.

use crate::pg::compare::ComparedRow;
use crate::pg::compare::hash::wide;

/// The bucket of ids that are not UUIDs of ours.
pub const ODD: u32 = 0x1_0000;
/// Buckets in all.
pub const BUCKETS: u32 = ODD + 1;

/// A sum and a count for each bucket.
pub struct Sums {
    sums: Vec<(u128, u64)>,
}

impl Sums {
    /// Empty sums.
    pub fn empty() -> Self {
        Self { sums: vec![(0, 0); BUCKETS as usize] }
    }

    /// Adds a row.
    pub fn add(&mut self, row: ComparedRow<'_>) {
        let (sum, count) = &mut self.sums[row.key.bucket() as usize];
        *sum = sum.wrapping_add(whole(row));
        *count += 1;
    }

    /// Rows of a bucket.
    pub fn rows_of(&self, bucket: u32) -> u64 {
        self.sums[bucket as usize].1
    }

    /// Rows in all.
    pub fn rows(&self) -> u64 {
        self.sums.iter().map(|(_, count)| count).sum()
    }

    /// Whether a bucket holds the same rows on both sides.
    pub fn equals(&self, other: &Self, bucket: u32) -> bool {
        self.sums[bucket as usize] == other.sums[bucket as usize]
    }
}

/// A hash of an id and all values, of 128 bits so that chance collisions are practically excluded.
fn whole(row: ComparedRow<'_>) -> u128 {
    let bits = row.key.bits();
    wide(31, [(bits >> 64) as u64, bits as u64].into_iter().chain(row.columns.iter().copied()))
}
