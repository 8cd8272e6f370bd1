//! Ids that show that this tool made them: UUIDv8 whose first two bytes are `bf 11`; the rest is a hash of a natural key.

use std::cmp::Ordering;
use std::fmt;

use smallvec::SmallVec;

use crate::model::{Code, Source};

pub use uuid::Uuid;

/// The record a row came from: `mca_za:members:123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey<'a> {
    /// The system.
    pub source: Source,
    /// The id in the source's people table.
    pub id: &'a str,
}

impl<'a> RecordKey<'a> {
    /// Reads `source:entity:id`; the id may itself contain colons.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (source, rest) = text.split_once(':')?;
        let (entity, id) = rest.split_once(':')?;
        let source = Source::from_code(source)?;
        (entity == source.people() && !id.is_empty()).then_some(Self { source, id })
    }
}

impl fmt::Display for RecordKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.source.people(), self.id)
    }
}

/// The order of records in all datasets: by source as listed; then all-digit ids by number; then the other ids bytewise.
pub fn record_order(a: RecordKey<'_>, b: RecordKey<'_>) -> Ordering {
    a.source.cmp(&b.source).then_with(|| id_order(a.id, b.id))
}

fn id_order(a: &str, b: &str) -> Ordering {
    let digits = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    match (digits(a), digits(b)) {
        (true, true) => {
            let (x, y) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y)).then_with(|| a.cmp(b))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

/// A number that orders most pairs as [`record_order`] does; equal numbers need [`record_order`] itself.
pub fn record_order_prefix(key: RecordKey<'_>) -> u128 {
    let is_number = !key.id.is_empty() && key.id.bytes().all(|byte| byte.is_ascii_digit());
    let text = if is_number { key.id.trim_start_matches('0') } else { key.id };
    let mut first = [0; 8];
    let shown = text.len().min(first.len());
    first[..shown].copy_from_slice(&text.as_bytes()[..shown]);
    let length = if is_number { u32::try_from(text.len()).expect("a cell is smaller than 2 GiB") } else { u32::MAX };
    (key.source as u128) << 96 | u128::from(length) << 64 | u128::from(u64::from_be_bytes(first))
}

/// An id derived from the parts of a natural key; the same parts give the same id on every run.
pub fn derived_id(kind: &str, parts: &[&str]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    for part in parts {
        hasher.update(SEPARATOR.as_bytes());
        hasher.update(part.as_bytes());
    }
    id_of(&hasher.finalize())
}

/// Keeps ("a", "bc") apart from ("ab", "c"): no key contains it.
const SEPARATOR: &str = "\u{1f}";

fn id_of(hash: &blake3::Hash) -> Uuid {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    bytes[0] = 0xbf;
    bytes[1] = 0x11;
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The profile id derived from a seed record; `attempt` 2, 3, … where the former id is taken.
pub fn profile_id(founder: RecordKey<'_>, attempt: u32) -> Uuid {
    // The same as `derived_id` of the key as one text. One call of the hash takes half the time of one call per part.
    let mut text: SmallVec<[u8; 128]> = SmallVec::new();
    for part in ["profile", SEPARATOR, founder.source.code(), ":", founder.source.people(), ":", founder.id] {
        text.extend_from_slice(part.as_bytes());
    }
    if attempt > 1 {
        text.extend_from_slice(format!("#{attempt}").as_bytes());
    }
    id_of(&blake3::hash(&text))
}

/// Whether an id was made by the backfill.
pub fn is_ours(id: &str) -> bool {
    id.len() == 36 && id.starts_with("bf11") && id.as_bytes()[14] == b'8'
}

/// The keys of `CustomerProfile.externalIds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExternalId {
    /// `mcaV1ZaId`
    McaV1Za,
    /// `mcaV1UkId`
    McaV1Uk,
    /// `mcaId`
    Mca,
    /// `golfRsaId`
    GolfRsa,
    /// `cdhId`
    Cdh,
}

impl ExternalId {
    /// The JSON key.
    pub fn key(self) -> &'static str {
        match self {
            Self::McaV1Za => "mcaV1ZaId",
            Self::McaV1Uk => "mcaV1UkId",
            Self::Mca => "mcaId",
            Self::GolfRsa => "golfRsaId",
            Self::Cdh => "cdhId",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_8_and_marked_as_ours() {
        let id = profile_id(RecordKey { source: Source::McaZa, id: "123" }, 1);
        assert_eq!(id.get_version_num(), 8);
        assert!(is_ours(&id.to_string()));
        assert!(!is_ours("9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d"));
    }

    #[test]
    fn a_profile_id_is_derived_from_the_key_of_its_seed_record() {
        let founder = RecordKey { source: Source::Scl, id: "77" };
        assert_eq!(profile_id(founder, 1), derived_id("profile", &["scl:members:77"]));
        assert_eq!(profile_id(founder, 3), derived_id("profile", &["scl:members:77#3"]));
    }

    #[test]
    fn parts_of_a_natural_key_do_not_run_together() {
        assert_ne!(derived_id("x", &["ab", "c"]), derived_id("x", &["a", "bc"]));
    }

    #[test]
    fn digit_ids_come_by_number_and_before_the_others() {
        let key = |id| RecordKey { source: Source::McaZa, id };
        let mut ids = ["10", "9", "a", "B", "010", "2"];
        ids.sort_by(|a, b| record_order(key(a), key(b)));
        assert_eq!(ids, ["2", "9", "010", "10", "B", "a"]);
    }

    #[test]
    fn the_prefix_never_contradicts_the_order() {
        let ids = [
            "",
            "0",
            "00",
            "2",
            "9",
            "010",
            "10",
            "99999999",
            "123456789",
            "123456790",
            "0123456790",
            "B",
            "a",
            "aaaaaaaab",
            "aaaaaaaac",
            "a\0",
            "é",
        ];
        let sources = [Source::McaZa, Source::Messaging];
        let keys: Vec<RecordKey<'_>> = sources.iter().flat_map(|&source| ids.map(|id| RecordKey { source, id })).collect();
        for a in &keys {
            for b in &keys {
                let by_prefix = record_order_prefix(*a).cmp(&record_order_prefix(*b));
                assert!(by_prefix == Ordering::Equal || by_prefix == record_order(*a, *b), "{a} {b}");
            }
        }
    }

    #[test]
    fn a_record_key_reads_back_what_it_prints() {
        let key = RecordKey { source: Source::Teetime, id: "a:b" };
        assert_eq!(RecordKey::parse(&key.to_string()), Some(key));
        assert_eq!(RecordKey::parse("scl:players:1"), None);
    }
}
