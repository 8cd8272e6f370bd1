//! Three pairs with their evidence: an ordinary link, the link nearest to the threshold, and the best pair that was not linked.

use anyhow::Result;

use crate::cli::Session;
use crate::model::{LinkRule, RecordKey, Source};
use crate::report::numbers::ExplainedPair;
use crate::resolve::Resolution;
use crate::steps::audit::evidence;
use crate::steps::inputs;
use crate::steps::resolve::Inputs;
use crate::store::Folder;
use crate::tables::resolution::{candidates, links};

/// A pair and why it is shown.
struct Chosen {
    title: &'static str,
    a: String,
    b: String,
}

/// The pairs, without any value of their records. The evidence is computed again from the staged records.
pub fn pairs(session: &Session, resolved: &Folder) -> Result<Vec<ExplainedPair>> {
    let chosen = choose(resolved)?;
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let resolution = Inputs::read(session, inputs::pilot(session)?)?.resolve(session)?;
    Ok(chosen.iter().filter_map(|pair| explain(&resolution, pair)).collect())
}

fn explain(resolution: &Resolution, chosen: &Chosen) -> Option<ExplainedPair> {
    let record = |key: &str| RecordKey::parse(key).and_then(|key| resolution.population.find(key));
    let comparison = resolution.compare(record(&chosen.a)?, record(&chosen.b)?);
    Some(ExplainedPair {
        title: chosen.title.to_owned(),
        a: chosen.a.clone(),
        b: chosen.b.clone(),
        outcome: evidence::outcome(&comparison),
        waterfall: evidence::waterfall(&comparison),
    })
}

fn key(source: Source, id: &str) -> String {
    RecordKey { source, id }.to_string()
}

/// The ordinary link is the one whose match weight is the median; decisions are left out, because their weight decides nothing.
fn choose(resolved: &Folder) -> Result<Vec<Chosen>> {
    let batches = resolved.read_all::<links::Table>(None)?;
    let mut found: Vec<(i32, links::Row<'_>)> = batches
        .iter()
        .flat_map(links::Columns::rows)
        .filter(|row| row.matched_source.is_some() && row.rule != LinkRule::Decision)
        .map(|row| (row.bits16, row))
        .collect();
    // Stable, so that among equals the first record is chosen.
    found.sort_by_key(|(bits, _)| *bits);
    let link = |title: &'static str, row: &links::Row<'_>| {
        let b = key(row.matched_source?, row.matched_source_id?);
        Some(Chosen { title, a: key(row.source, row.source_id), b })
    };
    let middle = found.get(found.len() / 2).and_then(|(_, row)| link("An ordinary link", row));
    let weakest = found.first().and_then(|(_, row)| link("The link with the least match weight", row));
    let mut chosen: Vec<Chosen> = [middle, weakest].into_iter().flatten().collect();
    if let Some(columns) = resolved.read::<candidates::Table>(None)?.next() {
        // Candidates are ordered, best first.
        chosen.extend(columns?.rows().next().map(|row| Chosen {
            title: "The best pair that was not linked",
            a: key(row.a_source, row.a_source_id),
            b: key(row.b_source, row.b_source_id),
        }));
    }
    Ok(chosen)
}
