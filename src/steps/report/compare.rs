//! Compares the strategy's literal rule with ours, if `resolve --method strategy` was run.

use anyhow::Result;
use hashbrown::HashMap;

use crate::model::Source;
use crate::report::numbers::{Method, ReportComparison};
use crate::store::{Folder, Layout};
use crate::tables::resolution::links;

type CountsBy<K> = HashMap<K, i64, foldhash::fast::FixedState>;

/// Profiles, largest clusters and pairs of both methods over the same records.
pub fn methods(layout: &Layout, resolved: &Folder) -> Result<Option<ReportComparison>> {
    let Some(literal) = Folder::find(&layout.resolve_strategy())? else { return Ok(None) };
    let (ours, theirs) = (resolved.read_all::<links::Table>(None)?, literal.read_all::<links::Table>(None)?);
    let mut placed: HashMap<(Source, &str), &str, foldhash::fast::FixedState> = HashMap::default();
    for row in theirs.iter().flat_map(links::Columns::rows) {
        if let Some(profile) = row.profile_id {
            placed.insert((row.source, row.source_id), profile);
        }
    }
    let (mut by_us, mut by_them, mut by_both) = (CountsBy::default(), CountsBy::default(), CountsBy::default());
    for row in ours.iter().flat_map(links::Columns::rows) {
        let Some(profile) = row.profile_id else { continue };
        *by_us.entry(profile).or_default() += 1;
        if let Some(other) = placed.get(&(row.source, row.source_id)) {
            *by_both.entry((profile, *other)).or_default() += 1;
        }
    }
    for profile in placed.values() {
        *by_them.entry(*profile).or_default() += 1;
    }
    let both: i64 = by_both.values().map(|size| pairs(*size)).sum();
    Ok(Some(ReportComparison { ours: method(&by_us, both), strategy: method(&by_them, both), pairs_of_both: both }))
}

fn method(sizes: &CountsBy<&str>, both: i64) -> Method {
    Method {
        profiles: i64::try_from(sizes.len()).expect("counts fit in 63 bits"),
        largest: sizes.values().copied().max().unwrap_or(0),
        pairs_alone: sizes.values().map(|size| pairs(*size)).sum::<i64>() - both,
    }
}

/// Number of pairs among `size` records.
fn pairs(size: i64) -> i64 {
    size * (size - 1) / 2
}
