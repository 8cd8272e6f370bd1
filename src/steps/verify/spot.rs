//! The spot-check of identity resolution, masked: five links of every rule, the five nearest pairs that were not linked, and the
//! largest cluster. It is printed, never stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Result;
use hashbrown::HashMap;

use crate::model::{Code, LinkRule, RecordKey, Source, counted, derived_id};
use crate::resolve::Weight;
use crate::steps::verify::folders::Folders;
use crate::tables::dictionary::mask;
use crate::tables::{resolution, stage};

/// Links that are shown for each rule, and pairs that are shown.
const SHOWN: usize = 5;
/// Records that are shown of the largest cluster.
const LARGEST: usize = 12;

type SpotKey = (Source, String);
/// Number of the draw, record, linked record, confidence, match weight.
type Link = (String, SpotKey, SpotKey, i32, Weight);

#[derive(Default)]
struct Sample {
    links: BTreeMap<&'static str, BTreeSet<Link>>,
    near: Vec<(Weight, SpotKey, SpotKey, String)>,
    largest: Vec<SpotKey>,
}

/// The spot-check in words.
pub fn spot_check(folders: &Folders) -> Result<String> {
    let sample = sample(folders)?;
    let people = people(folders, &sample)?;
    let show = |key: &SpotKey| {
        let name = RecordKey { source: key.0, id: &key.1 }.to_string();
        format!("{name:<34} {}", people.get(key).map_or("not staged", String::as_str))
    };
    let mut text = String::from("\n spot-check of identity resolution, values masked\n");
    for (rule, links) in &sample.links {
        let _ = writeln!(text, "   {rule}");
        for (_, record, matched, confidence, weight) in links {
            let bits = weight.in_bits();
            let _ = writeln!(text, "     {}\n   = {}   confidence {confidence}, {bits:.1} bits", show(record), show(matched));
        }
    }
    let _ = writeln!(text, "   nearest pairs that were not linked");
    for (weight, a, b, refusal) in &sample.near {
        let bits = weight.in_bits();
        let _ = writeln!(text, "     {}\n   ≠ {}   {refusal}, {bits:.1} bits", show(a), show(b));
    }
    let _ = writeln!(text, "   largest cluster: {}", counted(sample.largest.len() as u64, "record"));
    for record in sample.largest.iter().take(LARGEST) {
        let _ = writeln!(text, "     {}", show(record));
    }
    Ok(text)
}

fn sample(folders: &Folders) -> Result<Sample> {
    let mut sample = Sample::default();
    let mut sizes: HashMap<String, u32, foldhash::fast::FixedState> = HashMap::default();
    let links = folders.resolve.read_all::<resolution::links::Table>(None)?;
    for row in links.iter().flat_map(resolution::links::Columns::rows) {
        let Some(profile) = row.profile_id else { continue };
        *sizes.entry_ref(profile).or_default() += 1;
        let (Some(source), Some(id)) = (row.matched_source, row.matched_source_id) else { continue };
        if row.rule == LinkRule::Founder {
            continue;
        }
        // Ordering by hash gives the same sample in every run, independent of the order of the data.
        let draw = derived_id("spot-check", &[row.source.code(), row.source_id]).to_string();
        let drawn = sample.links.entry(row.rule.code()).or_default();
        drawn.insert((
            draw,
            (row.source, row.source_id.to_owned()),
            (source, id.to_owned()),
            row.confidence,
            Weight::sixteenths(row.bits16),
        ));
        if drawn.len() > SHOWN {
            drawn.pop_last();
        }
    }
    let largest = sizes.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0))).map(|(profile, _)| profile.clone());
    sample.largest = links
        .iter()
        .flat_map(resolution::links::Columns::rows)
        .filter(|row| row.profile_id.is_some() && row.profile_id == largest.as_deref())
        .map(|row| (row.source, row.source_id.to_owned()))
        .collect();
    for columns in folders.resolve.read::<resolution::candidates::Table>(None)? {
        for row in columns?.rows() {
            let (full, weight) = (sample.near.len() >= SHOWN, Weight::sixteenths(row.bits16));
            if full && sample.near.last().is_some_and(|last| last.0 >= weight) {
                continue;
            }
            let pair = ((row.a_source, row.a_source_id.to_owned()), (row.b_source, row.b_source_id.to_owned()));
            sample.near.push((weight, pair.0, pair.1, row.refusal.to_owned()));
            sample.near.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (&a.1, &a.2).cmp(&(&b.1, &b.2))));
            sample.near.truncate(SHOWN);
        }
    }
    Ok(sample)
}

/// The values of the shown records, masked.
fn people(folders: &Folders, sample: &Sample) -> Result<BTreeMap<SpotKey, String>> {
    let mut wanted: BTreeSet<&SpotKey> = sample.largest.iter().take(LARGEST).collect();
    wanted.extend(sample.links.values().flatten().flat_map(|link| [&link.1, &link.2]));
    wanted.extend(sample.near.iter().flat_map(|near| [&near.1, &near.2]));
    let mut people = BTreeMap::new();
    for source in folders.phase.sources() {
        let ids: BTreeSet<&str> = wanted.iter().filter(|key| key.0 == source).map(|key| key.1.as_str()).collect();
        if ids.is_empty() {
            continue;
        }
        for columns in folders.stage.read::<stage::people::Table>(Some(source))? {
            for row in columns?.rows().filter(|row| ids.contains(row.source_id)) {
                let born = row.born_on.map(|day| day.to_string());
                let shown = [row.first_name, row.last_name, row.email, row.phone, born.as_deref()];
                let words: Vec<String> = shown.iter().map(|value| value.map_or_else(|| "–".to_owned(), mask)).collect();
                people.insert((source, row.source_id.to_owned()), words.join("  "));
            }
        }
    }
    Ok(people)
}
