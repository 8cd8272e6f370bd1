//! Pairs of profiles for clerical review: rows of `crm__duplicate_candidates`.

use std::collections::BTreeMap;

use crate::consolidate::profile::record_index::Roster;
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

/// Combines the filed pairs of records into pairs of profiles, best first; the tenant is that of the smaller profile id. `namesakes` are
/// pairs with the same email and full name; pairs in `apart` were decided by hand and are not filed again.
pub fn build(
    roster: &Roster,
    candidates: &[candidates::Columns],
    shared_subjects: &[(ProfileIx, ProfileIx)],
    namesakes: &[(ProfileIx, ProfileIx, &'static str)],
    apart: &HashSet<(ProfileIx, ProfileIx), FixedState>,
) -> RecordBatch {
    let mut pairs: BTreeMap<(ProfileIx, ProfileIx), (i32, Vec<&str>)> = BTreeMap::new();
    for row in candidates.iter().flat_map(|columns| columns.rows()).filter(|row| row.is_filed) {
        let (Some(a), Some(b)) = (roster.profile_with_id(row.a_profile_id), roster.profile_with_id(row.b_profile_id)) else {
            continue;
        };
        if a != b {
            let (score, reasons) = pairs.entry((a.min(b), a.max(b))).or_default();
            *score = row.score.max(*score);
            reasons.extend(row.reasons.iter());
            reasons.push(row.refusal);
        }
    }
    for &(holder, other) in shared_subjects {
        let (score, reasons) = pairs.entry((holder.min(other), holder.max(other))).or_default();
        *score = (*score).max(90);
        reasons.push(AUTH_USER_ID_HELD_ELSEWHERE);
    }
    for &(a, b, constraint) in namesakes.iter().filter(|(a, b, _)| !apart.contains(&(*a.min(b), *a.max(b)))) {
        let (score, reasons) = pairs.entry((a.min(b), a.max(b))).or_default();
        *score = (*score).max(NAMESAKES);
        reasons.extend(["EMAIL", "NAME", constraint]);
    }
    let mut ordered: Vec<_> = pairs.into_iter().collect();
    // The sort is stable, so among equals the smaller ids come first.
    ordered.sort_by_key(|(_, (score, _))| std::cmp::Reverse(*score));
    let mut rows = duplicate_candidates::Builder::new(ordered.len());
    for ((a, b), (score, mut reasons)) in ordered {
        reasons.sort_unstable();
        reasons.dedup();
        let (mut a_text, mut b_text) = (Uuid::encode_buffer(), Uuid::encode_buffer());
        let profile_a_id = &*roster.id(a).hyphenated().encode_lower(&mut a_text);
        let profile_b_id = &*roster.id(b).hyphenated().encode_lower(&mut b_text);
        let id = derived_id("candidate", &[profile_a_id, profile_b_id]);
        rows.push(duplicate_candidates::Row {
            id: id.hyphenated().encode_lower(&mut Uuid::encode_buffer()),
            tenant_id: roster.tenant(a),
            profile_a_id,
            profile_b_id,
            score,
            reasons: TextList::Slice(&reasons),
        });
    }
    rows.finish()
}
