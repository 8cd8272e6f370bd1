//! Commutative sums of rows by bucket, which take two megabytes for a table of any size.

use crate::pg::compare::ComparedRow;
use crate::pg::compare::hash::wide;

/// Bytes of a bucket in the form in which sums are kept: its number, its rows, and their sum.
const KEPT: usize = 2 + 4 + 16;

/// The bucket of ids that are not UUIDs of ours.
pub const ODD: u32 = 0x1_0000;
/// Buckets in all.
pub const BUCKETS: u32 = ODD + 1;

/// A sum and a count for each bucket.
#[derive(Clone)]
pub struct Sums {
    sums: Vec<(u128, u64)>,
}

impl Sums {
    /// Buckets in all.
    pub const BUCKETS: u32 = BUCKETS;
    /// The bucket of ids that are not UUIDs of ours, the last one.
    pub const ODD: u32 = ODD;

    /// The bucket that the first digits after the common prefix of our ids name.
    pub fn bucket_of(digits: &str) -> u32 {
        let is_plain = digits.len() == 4 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        u32::from_str_radix(digits, 16).ok().filter(|_| is_plain).unwrap_or(ODD)
    }

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

    /// Sum and rows of a bucket.
    pub fn of(&self, bucket: u32) -> (u128, u64) {
        self.sums[bucket as usize]
    }

    /// Replaces a bucket.
    pub fn put(&mut self, bucket: u32, of: (u128, u64)) {
        self.sums[bucket as usize] = of;
    }

    /// The buckets of our ids that have rows, as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (bucket, (sum, rows)) in (0..=u16::MAX).zip(&self.sums) {
            if let Some(rows) = u32::try_from(*rows).ok().filter(|rows| *rows > 0) {
                bytes.extend(bucket.to_be_bytes());
                bytes.extend(rows.to_be_bytes());
                bytes.extend(sum.to_be_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if these bytes are not of that form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut sums = Self::empty();
        for kept in bytes.chunks(KEPT) {
            let (bucket, rest) = kept.split_first_chunk()?;
            let (rows, rest) = rest.split_first_chunk()?;
            let sum = u128::from_be_bytes(rest.try_into().ok()?);
            sums.put(u32::from(u16::from_be_bytes(*bucket)), (sum, u64::from(u32::from_be_bytes(*rows))));
        }
        Some(sums)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_sums_are_read_as_they_were_written() {
        let mut sums = Sums::empty();
        sums.put(0, (u128::MAX - 1, 1));
        sums.put(0xffff, (7, 2));
        let bytes = sums.to_bytes();
        let read = Sums::from_bytes(&bytes).unwrap();
        assert!((0..BUCKETS).all(|bucket| read.equals(&sums, bucket)) && read.rows() == 3);
        assert!(Sums::from_bytes(&bytes[1..]).is_none());
    }

    #[test]
    fn digits_of_our_ids_name_their_bucket() {
        assert_eq!(
            ["0000", "00ff", "ffff", "FFFF", "+fff", "fff", "zzzz"].map(Sums::bucket_of),
            [0, 255, 65_535, ODD, ODD, ODD, ODD]
        );
    }
}
