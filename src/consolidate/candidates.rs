//! Pairs of profiles for clerical review: rows of `crm__duplicate_candidates`.

use std::collections::BTreeMap;

use crate::consolidate::Directory;
use crate::model::{ProfileIx, Uuid, derived_id};
use crate::tables::crm::duplicate_candidates;
use crate::tables::{Builder as _, TextList, resolution::candidates};

use arrow::array::RecordBatch;
use foldhash::fast::FixedState;
use hashbrown::HashSet;

/// Reason code of a pair whose profiles carry the same subject of the identity provider.
pub const AUTH_USER_ID_HELD_ELSEWHERE: &str = "AUTH_USER_ID_HELD_ELSEWHERE";

/// The score of two profiles with the same email and full name that a constraint keeps apart.
const NAMESAKES: i32 = 60;

/// The pairs, with their scores and reasons.
#[derive(Default)]
pub struct CandidatePairs(BTreeMap<(ProfileIx, ProfileIx), Scored>);

/// The score of a pair, and its reasons.
type Scored = (i32, Vec<Box<str>>);

impl CandidatePairs {
    fn add<'a>(&mut self, a: ProfileIx, b: ProfileIx, score: i32, reasons: impl IntoIterator<Item = &'a str>) {
        let known = self.0.entry((a.min(b), a.max(b))).or_default();
        known.0 = known.0.max(score);
        known.1.extend(reasons.into_iter().map(Box::from));
    }

    /// Combines filed pairs of records into pairs of profiles.
    pub fn filed(&mut self, directory: &Directory, candidates: &candidates::Columns) {
        for row in candidates.rows().filter(|row| row.is_filed) {
            let pair = directory.profile_with_id(row.a_profile_id).zip(directory.profile_with_id(row.b_profile_id));
            if let Some((a, b)) = pair.filter(|(a, b)| a != b) {
                self.add(a, b, row.score, row.reasons.iter().chain([row.refusal]));
            }
        }
    }
}

/// The pairs of profiles, best first; the tenant is that of the smaller profile id. `namesakes` are pairs with the same email and
/// full name; pairs in `apart` were decided by hand and are not filed again.
pub fn build(
    directory: &Directory,
    mut pairs: CandidatePairs,
    shared_subjects: &[(ProfileIx, ProfileIx)],
    namesakes: &[(ProfileIx, ProfileIx, &'static str)],
    apart: &HashSet<(ProfileIx, ProfileIx), FixedState>,
) -> RecordBatch {
    for &(holder, other) in shared_subjects {
        pairs.add(holder, other, 90, [AUTH_USER_ID_HELD_ELSEWHERE]);
    }
    for &(a, b, constraint) in namesakes.iter().filter(|(a, b, _)| !apart.contains(&(*a.min(b), *a.max(b)))) {
        pairs.add(a, b, NAMESAKES, ["EMAIL", "NAME", constraint]);
    }
    let pairs = pairs.0;
    let mut ordered: Vec<_> = pairs.into_iter().collect();
    // The sort is stable, so among equals the smaller ids come first.
    ordered.sort_by_key(|(_, (score, _))| std::cmp::Reverse(*score));
    let mut rows = duplicate_candidates::Builder::new(ordered.len());
    for ((a, b), (score, mut reasons)) in ordered {
        reasons.sort_unstable();
        reasons.dedup();
        let reasons: Vec<&str> = reasons.iter().map(|reason| &**reason).collect();
        let (mut a_text, mut b_text) = (Uuid::encode_buffer(), Uuid::encode_buffer());
        let profile_a_id = &*directory.id(a).hyphenated().encode_lower(&mut a_text);
        let profile_b_id = &*directory.id(b).hyphenated().encode_lower(&mut b_text);
        let id = derived_id("candidate", &[profile_a_id, profile_b_id]);
        rows.push(duplicate_candidates::Row {
            id: id.hyphenated().encode_lower(&mut Uuid::encode_buffer()),
            tenant_id: directory.tenant(a),
            profile_a_id,
            profile_b_id,
            score,
            reasons: TextList::Slice(&reasons),
        });
    }
    rows.finish()
}
