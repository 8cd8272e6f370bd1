//! `audit`: draws a reproducible sample of links and candidate pairs for manual verdicts, and reads the verdicts back.

pub(in crate::steps) mod evidence;
mod page;
mod sample;
mod verdicts;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use crate::cli::{Session, StepOutcome};
use crate::model::{Code, LinkRule, RecordKey};
use crate::resolve::Weight;
use crate::resolve::evaluate::sample::{Pair, candidate_stratum, largest_from, stratum};
use crate::store::Folder;
use crate::tables::resolution::{candidates, links};

/// Arguments of `audit`.
#[derive(clap::Args, Debug)]
pub struct AuditArgs {
    /// Draw about N pairs for review: links by rule and confidence, links near the threshold, links of the largest profiles,
    /// candidate pairs [default: 300 with --html]
    #[arg(long, value_name = "N", conflicts_with = "verdicts", required_unless_present_any = ["verdicts", "html"], value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
    /// Write the sample as a page for a browser instead of a CSV; the page saves the verdicts as a CSV
    #[arg(long, conflicts_with = "verdicts")]
    html: bool,
    /// Another seed draws another sample
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The file for the sample [default: sample.csv or sample.html in data/audit]
    #[arg(long, value_name = "FILE", conflicts_with = "verdicts")]
    out: Option<PathBuf>,
    /// Write personal values into the sample instead of masking them; they are needed to judge it
    #[arg(long)]
    show: bool,
    /// Read a sample with verdicts: same, different or unsure
    #[arg(long, value_name = "FILE", requires = "by")]
    verdicts: Option<PathBuf>,
    /// Name of the reviewer, for the checklist and for the decisions that follow from wrong links and missed pairs
    #[arg(long, value_name = "NAME", requires = "verdicts")]
    by: Option<String>,
    /// Show the decisions that the verdicts give, and write nothing
    #[arg(long, requires = "verdicts")]
    dry_run: bool,
    /// Write the decisions without asking; required without a terminal
    #[arg(short, long, requires = "verdicts")]
    yes: bool,
}

/// The size of a sample whose size is not given.
const SIZE: u32 = 300;

/// Runs the step.
pub fn run(session: &Session, args: AuditArgs) -> Result<StepOutcome> {
    match (&args.verdicts, &args.by) {
        (Some(path), Some(by)) => {
            verdicts::read(session, &verdicts::JudgedSample { path, by, dry_run: args.dry_run, yes: args.yes })
        }
        _ => sample::write(session, &args),
    }
}

/// Every link by evidence and every candidate pair, except those with a manual decision.
fn pairs(folder: &Folder) -> Result<Vec<Pair>> {
    let batches = folder.read_all::<links::Table>(None)?;
    let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
    for profile in batches.iter().flat_map(|columns| columns.rows()).filter_map(|row| row.profile_id) {
        *sizes.entry(profile).or_default() += 1;
    }
    let largest = largest_from(sizes.values().copied());
    let mut pairs = Vec::new();
    for row in batches.iter().flat_map(|columns| columns.rows()) {
        let (Some(source), Some(id)) = (row.matched_source, row.matched_source_id) else { continue };
        if row.rule == LinkRule::Decision {
            continue;
        }
        let is_of_largest = row.profile_id.is_some_and(|profile| sizes[profile] >= largest);
        pairs.push(Pair {
            a: RecordKey { source: row.source, id: row.source_id }.to_string(),
            b: RecordKey { source, id }.to_string(),
            is_linked: true,
            stratum: stratum(row.rule.code(), row.confidence, Weight::sixteenths(row.bits16), is_of_largest),
            weight: Weight::sixteenths(row.bits16),
            evidence: row.evidence.to_owned(),
        });
    }
    for columns in folder.read::<candidates::Table>(None)? {
        pairs.extend(columns?.rows().map(|row| Pair {
            a: RecordKey { source: row.a_source, id: row.a_source_id }.to_string(),
            b: RecordKey { source: row.b_source, id: row.b_source_id }.to_string(),
            is_linked: false,
            stratum: candidate_stratum(row.refusal),
            weight: Weight::sixteenths(row.bits16),
            evidence: row.reasons.iter().collect::<Vec<_>>().join(", "),
        }));
    }
    Ok(pairs)
}
