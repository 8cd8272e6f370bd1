//! Reads a judged sample: precision with its interval, and the decisions that follow from the verdicts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::pairs;
use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::{Code, Scope, counted, thousands};
use crate::resolve::evaluate::sample::{
    Judgement, Pair, PairJudgement, Precision, candidate_stratum, is_of_candidates, overall, read_verdicts,
};
use crate::resolve::{ConstraintViolation, DecisionKind, add_decisions};
use crate::steps::confirm;
use crate::store::{Folder, RunLock, read_lossy, read_text, save_text, write_output};

/// A judged sample and what to do with it.
pub(super) struct JudgedSample<'a> {
    /// The file.
    pub path: &'a Path,
    /// The reviewer.
    pub by: &'a str,
    /// Whether the decisions are only shown.
    pub dry_run: bool,
    /// Whether the decisions are written without a question.
    pub yes: bool,
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

/// Reads the verdicts, prints the shares, and writes the decisions.
pub(super) fn read(session: &Session, judged: &JudgedSample<'_>) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "audit")?;
    let pairs = pairs(&Folder::open(&session.layout.resolve())?)?;
    let unreadable = |what: String| {
        let fault = Fault::new(Exit::Input, what).at(judged.path.display().to_string());
        fault.help("judge a sample first: crm-backfill audit --html --show")
    };
    let text = read_lossy(judged.path)?.ok_or_else(|| unreadable("the file does not exist".to_owned()))?;
    let judgements = read_verdicts(&text).map_err(unreadable)?;
    let read = weigh(&pairs, &judgements, session.config.identity.scope == Scope::Tenant);
    let mut outcome = report(&pairs, &read, judged);
    let new = NewDecisions::of(session, &read.decisions, judged.by)?;
    outcome.summary["decisions"] = json!(new.count);
    if judged.dry_run {
        outcome.text.push_str(&new.words());
        outcome.text.push_str("a dry run: nothing was written, and the verdicts do not count in the checklist\n");
        return Ok(outcome.next(format!("make audit ARGS='--verdicts {} --by \"{}\"'", judged.path.display(), judged.by)));
    }
    if new.count > 0 {
        session.progress.line(&new.words());
        if let Err(error) = require_yes(session, judged, new.count) {
            // The shares are shown although the decisions are not wanted.
            return Ok(outcome.fault(Some(error.downcast::<Fault>()?)));
        }
        write_output(&session.decisions, new.text.as_bytes())?;
        let place = session.decisions.display();
        outcome.text.push_str(&format!(
            "{} added to {place}; applied from the next make resolve on\n",
            counted(new.count as u64, "decision")
        ));
    }
    keep(session, judged.path, &text, &mut outcome.text)?;
    Ok(outcome.next(if new.count > 0 { "make resolve consolidate score load verify" } else { "make checklist" }))
}

/// Fails unless the reviewer wants the decisions written.
fn require_yes(session: &Session, judged: &JudgedSample<'_>, count: usize) -> Result<()> {
    let place = session.decisions.display();
    let JudgedSample { path, by, yes, .. } = judged;
    let command = format!("make audit ARGS='--verdicts {} --by \"{by}\" --yes'", path.display());
    confirm::require_answer(&format!("the verdicts add {} to {place}", counted(count as u64, "decision")), *yes, &command)?;
    confirm::agree(&format!("Add them to {place}?"), *yes)
}

/// Keeps the judged file in the data folder, as the proof of what the checklist counts.
fn keep(session: &Session, path: &Path, judged: &str, text: &mut String) -> Result<()> {
    let kept = session.layout.verdicts();
    if kept != path {
        save_text(&kept, judged)?;
        text.push_str(&format!("the verdicts are kept in {}\n", kept.display()));
    }
    Ok(())
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

/// The shares in words and as data.
fn report(pairs: &[Pair], read: &ReadVerdicts<'_>, judged: &JudgedSample<'_>) -> StepOutcome {
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
    text.push_str(&format!("{} judged, each stratum weighted by its size: {}\n", counted(all.judged, "link"), all.words()));
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
    let kinds: Vec<_> = strata
        .iter()
        .map(|(of, size)| {
            let Precision { stratum, same, judged, share, low, high } = of;
            json!({ "stratum": stratum, "pairs": size, "judged": judged, "same": same, "share": share, "low": low, "high": high })
        })
        .collect();
    let summary = json!({
        "verdicts": all.judged, "precision": all.words(), "share": all.share, "low": all.low, "high": all.high, "strata": kinds,
        "blank": read.blank, "unsure": read.unsure, "stale": read.stale, "by": judged.by, "dry_run": judged.dry_run,
    });
    StepOutcome::new(text, summary)
}

/// The decisions file with the decisions from the verdicts.
struct NewDecisions {
    /// The whole file.
    text: String,
    /// The added lines.
    added: String,
    count: usize,
    /// The file.
    place: String,
}

impl NewDecisions {
    fn of(session: &Session, decided: &[(DecisionKind, &str, &str)], by: &str) -> Result<Self> {
        let path = &session.decisions;
        let place = path.display().to_string();
        let before = read_text(path)?.unwrap_or_default();
        if decided.is_empty() {
            return Ok(Self { text: before, added: String::new(), count: 0, place });
        }
        let (text, count) = add_decisions(&before, decided, "sample audit", by, &session.now.to_string()).map_err(|what| {
            let fault = Fault::new(Exit::Usage, what).at(place.clone());
            fault.help("correct that line, then read the verdicts again; no decision was added")
        })?;
        let added = text.strip_prefix(before.as_str()).unwrap_or(&text).trim().to_owned();
        Ok(Self { text, added, count, place })
    }

    /// The lines, as they are written.
    fn words(&self) -> String {
        if self.count == 0 {
            return format!("no new line for {}\n", self.place);
        }
        let lines: String = self.added.lines().map(|line| format!("   {line}\n")).collect();
        format!("{} for {}:\n{lines}", counted(self.count as u64, "decision"), self.place)
    }
}
