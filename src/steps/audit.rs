//! `audit`: draws a reproducible sample of links and candidate pairs for manual verdicts, and reads the verdicts back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::model::{Code, Gender, LinkRule, RecordKey, Scope, Source};
use crate::resolve::evaluate::sample::{
    Judgement, Pair, PairJudgement, Precision, candidate_stratum, is_of_candidates, largest_from, overall, read_verdicts, sample,
    stratum,
};
use crate::resolve::{ConstraintViolation, DecisionKind, Weight, add_decisions};
use crate::steps::cells::defused;
use crate::store::{Folder, read_lossy, read_text, write_output};
use crate::tables::dictionary::mask;
use crate::tables::resolution::{candidates, links};
use crate::tables::stage::people;

/// Arguments of `audit`.
#[derive(clap::Args, Debug)]
pub struct AuditArgs {
    /// Draw about N pairs for review: links by rule and confidence, links near the threshold, links of the largest profiles,
    /// candidate pairs
    #[arg(long, value_name = "N", conflicts_with = "verdicts", required_unless_present = "verdicts", value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
    /// Another seed draws another sample
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The file for the sample
    #[arg(long, value_name = "FILE", default_value = "audit.csv")]
    out: PathBuf,
    /// Write personal values into the sample instead of masking them; they are needed to judge it
    #[arg(long)]
    show: bool,
    /// Read a sample with verdicts: same, different or unsure
    #[arg(long, value_name = "FILE")]
    verdicts: Option<PathBuf>,
    /// Name of the reviewer, for the decisions that follow from wrong links and missed pairs
    #[arg(long, value_name = "NAME", requires = "verdicts")]
    by: Option<String>,
}

/// Columns of both records that the sample shows.
const SHOWN: [&str; 9] =
    ["first_name", "last_name", "born_on", "gender", "email", "phone", "golf_rsa_id", "cdh_id", "home_club_name"];

type AuditValues = [String; SHOWN.len()];

/// Runs the step.
pub fn run(session: &Session, args: AuditArgs) -> Result<StepOutcome> {
    let pairs = pairs(session)?;
    match (&args.verdicts, args.sample) {
        (Some(path), _) => verdicts(session, &pairs, path, args.by.as_deref()),
        (None, size) => write_sample(session, pairs, size.unwrap_or(300) as usize, &args),
    }
}

/// Every link by evidence and every candidate pair, except those with a manual decision.
fn pairs(session: &Session) -> Result<Vec<Pair>> {
    let folder = Folder::open(&session.layout.resolve())?;
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

fn write_sample(session: &Session, pairs: Vec<Pair>, size: usize, args: &AuditArgs) -> Result<StepOutcome> {
    keep_verdicts(&args.out)?;
    let drawn = sample(pairs, size, args.seed);
    let mut wanted: BTreeMap<String, AuditValues> = BTreeMap::new();
    for key in drawn.iter().flat_map(|pair| [&pair.a, &pair.b]) {
        wanted.insert(key.clone(), AuditValues::default());
    }
    fill(session, &mut wanted)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let sides = SHOWN.into_iter().flat_map(|column| ["a", "b"].map(|side| format!("{side}_{column}")));
    let header =
        ["a", "b", "linked", "stratum", "bits", "evidence", "verdict", "remark"].map(str::to_owned).into_iter().chain(sides);
    writer.write_record(header)?;
    for pair in &drawn {
        let linked = if pair.is_linked { "yes" } else { "no" };
        let bits = format!("{:.2}", pair.weight.in_bits());
        let plain = [&pair.a, &pair.b, linked, &pair.stratum, &bits, &pair.evidence, "", ""].map(str::to_owned);
        let sides = wanted[&pair.a].iter().zip(&wanted[&pair.b]).flat_map(|(a, b)| [a, b]);
        let shown = sides.map(|value| if args.show { defused(value.clone()) } else { mask(value) });
        writer.write_record(plain.into_iter().chain(shown))?;
    }
    write_output(&args.out, &writer.into_inner().context("memory takes bytes")?)?;
    let mut strata: BTreeMap<&str, usize> = BTreeMap::new();
    drawn.iter().for_each(|pair| *strata.entry(pair.stratum.as_str()).or_default() += 1);
    let mut text: String =
        strata.iter().map(|(name, count)| format!("   {name:<48} {:>8}\n", thousands(*count as u64))).collect();
    text.push_str(&format!(
        "{} pairs in {}; write same, different or unsure into the column verdict\n",
        drawn.len(),
        args.out.display()
    ));
    if !args.show {
        text.push_str("values are masked; --show writes them, for people who may see them\n");
    }
    let next = format!("audit --verdicts {} --by NAME", args.out.display());
    Ok(StepOutcome::new(text, json!({ "pairs": drawn.len(), "strata": strata })).next(next))
}

/// Fails if the file contains verdicts, or cannot be read, so that a new sample never overwrites them.
fn keep_verdicts(path: &Path) -> Result<()> {
    let text = read_lossy(path)?.unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(());
    }
    let judged = read_verdicts(&text).map_err(|what| {
        let fault = Fault::new(Exit::Usage, format!("the file may contain verdicts that a new sample would overwrite: {what}"));
        fault.at(path.display().to_string()).help("correct or remove it, or write elsewhere: audit --sample N --out FILE")
    })?;
    let given = judged.iter().filter(|one| one.verdict.is_some()).count();
    if given == 0 {
        return Ok(());
    }
    let fault = Fault::new(Exit::Usage, format!("the file contains {given} verdicts, which a new sample would overwrite"));
    let read = format!("read them: audit --verdicts {} --by NAME", path.display());
    Err(fault.at(path.display().to_string()).help(read).help("or write elsewhere: audit --sample N --out FILE").into())
}

/// The values of the sampled records, from the staged person records.
fn fill(session: &Session, wanted: &mut BTreeMap<String, AuditValues>) -> Result<()> {
    let folder = Folder::open(&session.layout.stage())?;
    for &source in Source::ALL.iter().filter(|source| folder.has::<people::Table>(Some(**source))) {
        for columns in folder.read::<people::Table>(Some(source))? {
            for row in columns?.rows() {
                if let Some(values) = wanted.get_mut(&RecordKey { source, id: row.source_id }.to_string()) {
                    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
                    let gender = if row.gender == Gender::Unknown { "" } else { row.gender.code() };
                    *values = [
                        text(row.first_name),
                        text(row.last_name),
                        row.born_on.map(|day| day.to_string()).unwrap_or_default(),
                        gender.to_owned(),
                        text(row.email),
                        text(row.phone),
                        text(row.golf_rsa_id),
                        text(row.cdh_id),
                        text(row.home_club_name),
                    ];
                }
            }
        }
    }
    Ok(())
}

/// The result of the verdicts.
#[derive(Default)]
struct ReadVerdicts<'a> {
    /// For each stratum: pairs judged to be one person, and judged pairs.
    counts: BTreeMap<&'a str, (u64, u64)>,
    blank: u64,
    unsure: u64,
    /// Pairs that are neither linked nor in the review queue any more.
    stale: u64,
    /// Pairs of one person in two tenants, which no decision may join.
    across_tenants: u64,
    decisions: Vec<(DecisionKind, &'a str, &'a str)>,
}

fn verdicts(session: &Session, pairs: &[Pair], path: &Path, by: Option<&str>) -> Result<StepOutcome> {
    let unreadable = |what: String| {
        Fault::new(Exit::Input, what).at(path.display().to_string()).help("judge a file that audit --sample wrote")
    };
    let text = read_lossy(path)?.ok_or_else(|| unreadable("the file does not exist".to_owned()))?;
    let judgements = read_verdicts(&text).map_err(unreadable)?;
    let read = weigh(pairs, &judgements, session.config.identity.scope == Scope::Tenant);
    report(session, pairs, read, by)
}

fn weigh<'a>(pairs: &'a [Pair], judgements: &[Judgement], do_tenants_divide: bool) -> ReadVerdicts<'a> {
    let ordered = |a: &'a str, b: &'a str| (a.min(b), a.max(b));
    let known: BTreeMap<(&str, &str), &Pair> = pairs.iter().map(|pair| (ordered(&pair.a, &pair.b), pair)).collect();
    let across = candidate_stratum(ConstraintViolation::Tenant.code());
    let mut read = ReadVerdicts::default();
    for judged in judgements {
        let (a, b) = (judged.a.as_str().min(&judged.b), judged.a.as_str().max(&judged.b));
        let (pair, is_same) = match (judged.verdict, known.get(&(a, b))) {
            (None, _) => {
                read.blank += 1;
                continue;
            }
            (Some(PairJudgement::Unsure), _) => {
                read.unsure += 1;
                continue;
            }
            (Some(_), None) => {
                read.stale += 1;
                continue;
            }
            (Some(verdict), Some(pair)) => (pair, verdict == PairJudgement::Same),
        };
        let (same, count) = read.counts.entry(pair.stratum.as_str()).or_default();
        *count += 1;
        *same += u64::from(is_same);
        let kind = if is_same { DecisionKind::MustLink } else { DecisionKind::CannotLink };
        if is_same && do_tenants_divide && pair.stratum == across {
            read.across_tenants += 1;
        } else if !(is_same && pair.is_linked) {
            // A pair that is two people is decided, too, so that it is not reviewed again.
            read.decisions.push((kind, &pair.a, &pair.b));
        }
    }
    read
}

fn report(session: &Session, pairs: &[Pair], read: ReadVerdicts<'_>, by: Option<&str>) -> Result<StepOutcome> {
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    pairs.iter().for_each(|pair| *sizes.entry(pair.stratum.as_str()).or_default() += 1);
    let strata: Vec<(Precision, u64)> =
        read.counts.iter().map(|(name, (same, judged))| (Precision::of(name, *same, *judged), sizes[name])).collect();
    let mut text = String::new();
    for (precision, size) in &strata {
        let judged = format!("{} of {} judged", precision.judged, thousands(*size));
        text.push_str(&format!("   {:<48} {judged:>20}   one person {}\n", precision.stratum, precision.words()));
    }
    let links: Vec<_> = strata.iter().filter(|(precision, _)| !is_of_candidates(&precision.stratum)).cloned().collect();
    let all = overall(&links);
    let unseen = sizes.keys().filter(|name| !is_of_candidates(name) && !read.counts.contains_key(*name)).count();
    text.push_str(&format!("{} links judged, each stratum weighted by its size: {}\n", all.judged, all.words()));
    if unseen > 0 && all.judged > 0 {
        text.push_str(&format!(" ! {unseen} strata of links have no verdict; they are left out of that share\n"));
    }
    text.push_str(&format!("{} without a verdict yet, {} unsure, {} no longer a pair\n", read.blank, read.unsure, read.stale));
    if read.stale > 0 {
        text.push_str(" ! the sample is of another resolution: draw a new one for the current links\n");
    }
    if read.across_tenants > 0 {
        text.push_str(&format!(
            " ! {} judged to be one person in two tenants: identity.scope keeps tenants apart, so no decision is written\n",
            read.across_tenants
        ));
    }
    let written = decide(session, &read.decisions, by.unwrap_or("audit"), &mut text)?;
    let kinds: Vec<_> = strata
        .iter()
        .map(|(of, size)| {
            let Precision { stratum, same, judged, share, low, high } = of;
            json!({ "stratum": stratum, "pairs": size, "judged": judged, "same": same, "share": share, "low": low, "high": high })
        })
        .collect();
    let summary = json!({
        "verdicts": all.judged, "precision": all.words(), "share": all.share, "low": all.low, "high": all.high, "strata": kinds,
        "blank": read.blank, "unsure": read.unsure, "stale": read.stale, "decisions": written,
    });
    Ok(StepOutcome::new(text, summary).next(if written > 0 { "make resolve build score load verify" } else { "make checklist" }))
}

/// Adds the decisions from the verdicts to the decisions file.
fn decide(session: &Session, new: &[(DecisionKind, &str, &str)], by: &str, text: &mut String) -> Result<usize> {
    if new.is_empty() {
        return Ok(0);
    }
    let path = &session.decisions;
    let before = read_text(path)?.unwrap_or_default();
    let (after, count) = add_decisions(&before, new, "sample audit", by, &session.now.to_string()).map_err(|what| {
        let fault = Fault::new(Exit::Usage, what).at(path.display().to_string());
        fault.help("correct that line, then read the verdicts again; no decision was added")
    })?;
    if count > 0 {
        write_output(path, after.as_bytes())?;
        text.push_str(&format!("{count} decisions added to {}; they apply from the next make resolve on\n", path.display()));
    }
    Ok(count)
}
