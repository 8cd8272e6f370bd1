//! `consolidate`: builds profiles, aliases, consents, timeline and ledger from staged records and links.

mod in_order;
mod inputs;
mod output;
mod partitions;
mod people;
mod prove;
mod work;

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::consolidate::accounting::proofs::Proof;
use crate::consolidate::consent::review::ManualReview;
use crate::consolidate::{Departure, Departures, Directory, Enrolment, Options, flags_to_confirm};
use crate::fault::{Exit, Fault};
use crate::model::{Code, Phase, Reviews, Source, counted, thousands};
use crate::sources;
use crate::steps::binding::{self, Made};
use crate::steps::engine::{self, EventEngine};
use crate::steps::expectations::ExpectationResults;
use crate::steps::{Again, nothing_to_do, unchanged};
use crate::store::{Draft, Folder, RunLock};
use crate::tables::stage::people as staged_people;
use crate::tables::{Table as _, check, crm, resolution};

use inputs::{earlier_withdrawals, options, recorded};
use output::{CrmOutput, OutputAccount};
use partitions::Partitions;
use people::Before;
use prove::ProofInputs;
use work::{Work, WorkContext, contradiction};

/// Arguments of `consolidate`.
#[derive(clap::Args, Debug, Default)]
pub struct ConsolidateArgs {
    /// Whether to run although nothing changed.
    #[command(flatten)]
    pub again: Again,
    /// Batches of profiles in a partition: affects memory, never the result.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, hide = true)]
    pub partition: u32,
}

const NEXT: &str = "make score";
/// The manifest's count of open rows of `check__manual_review`.
pub const MANUAL_REVIEW: &str = "manual review";

/// Reads `data/stage` and `data/resolve`, writes `data/crm`.
pub fn run(session: &Session, args: ConsolidateArgs) -> Result<StepOutcome> {
    run_on(session, args, None)
}

/// The same with an engine for bookings and messages.
pub fn run_on(session: &Session, args: ConsolidateArgs, engine: Option<&dyn EventEngine>) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "consolidate")?;
    binding::require(session, Made::Resolve)?;
    crate::steps::inputs::warn_of_unread_files(session);
    let mut manifest = crate::steps::inputs::of_consolidate(session)?;
    engine::note(&mut manifest, engine);
    let target = session.layout.crm();
    if let Some(done) = unchanged(session, &target, &manifest, args.again)? {
        return Ok(nothing_to_do("consolidate", &done, NEXT).fault(ExpectationResults::read(&done)?.fault()));
    }
    let stage = Folder::open(&session.layout.stage())?;
    let resolved = Folder::open(&session.layout.resolve())?;
    let phase = session.check_phase(stage.manifest.phase, stage.path())?;
    let as_of = session.check_as_of(&stage.manifest.as_of, stage.path())?;
    let crm_export = Folder::find(&session.layout.exports_crm())?;
    let exported = exported_rows(session, phase)?;
    let (_, reviews) = crate::steps::inputs::reviews(session)?;

    let options = options(&session.config, as_of, phase);
    let draft = Draft::create(&target, &stage.manifest.as_of)?;
    let (stage, resolved, crm_export) = (&stage, &resolved, crm_export.as_ref());
    let run = ConsolidateRun { session, stage, resolved, crm_export, options: &options, engine };
    let (OutputAccount { broken, tally, departures }, open) = run.build(&draft, &reviews, args.partition)?;

    check_proofs(&broken)?;
    let imbalances = tally.imbalances(exported.iter().map(|&(source, entity, rows)| (source, entity, rows)));
    check_balance(&imbalances, stage)?;
    let (reviews, draft_of, exported) = (&reviews, &draft, &exported[..]);
    ProofInputs { session, stage, resolved, crm_export, reviews, draft: draft_of, phase, as_of, exported }.run()?;
    for (source, entity, outcome, reason, count) in tally.counts() {
        let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        let name = format!("ledger {source} {entity} {outcome}{reason}");
        manifest.counts.insert(name, i64::try_from(count).expect("counts fit in 63 bits"));
    }
    for row in departures.rows() {
        manifest.counts.insert(format!("departure {}", row.departure), row.row_count);
    }
    warn_of_flags(session, &departures);
    manifest.counts.insert(MANUAL_REVIEW.to_owned(), open);
    if open > 0 {
        session.progress.warn(manual_review(open));
    }
    manifest.counts.insert("proofs".to_owned(), i64::try_from(Proof::ALL.len()).expect("counts fit in 63 bits"));
    let done = draft.finish(manifest, &session.layout.previous("crm"))?;
    outcome(&done)
}

/// The number of exported rows by entity; each row must have an outcome in the ledger.
fn exported_rows(session: &Session, phase: Phase) -> Result<Vec<(Source, &'static str, u64)>> {
    let mut exported = Vec::new();
    for source in phase.sources() {
        let folder = Folder::open(&session.layout.exports(source))?;
        for export in sources::exports(source) {
            let rows = folder.manifest.files.get(&format!("{}.parquet", export.dataset.stem)).map_or(0, |file| file.rows);
            // Lines of a CSV dump that are not records have an outcome, too.
            let unread = folder.manifest.count(&format!("{}.rejected_rows", export.entity));
            exported.push((source, export.entity, rows + u64::try_from(unread).unwrap_or(0)));
        }
    }
    Ok(exported)
}

/// What the datasets are made of.
struct ConsolidateRun<'a> {
    session: &'a Session,
    stage: &'a Folder,
    resolved: &'a Folder,
    crm_export: Option<&'a Folder>,
    options: &'a Options,
    engine: Option<&'a dyn EventEngine>,
}

impl ConsolidateRun<'_> {
    /// Writes all datasets; what memory holds meanwhile is free again afterwards. Also tells how many rows a person must decide.
    fn build(&self, draft: &Draft, reviews: &Reviews, batches: u32) -> Result<(OutputAccount, i64)> {
        let earlier = earlier_withdrawals(self.crm_export, self.options.as_of)?;
        let recorded = recorded(self.crm_export)?;
        let directory = Arc::new(self.directory()?);
        let Self { session, stage, resolved, options, engine, .. } = *self;
        let context = WorkContext { session, stage, resolved, directory: &directory, options, engine };
        let (output, partitions) = (CrmOutput::new(draft, &directory)?, Partitions::new(draft, directory.clone(), batches)?);
        let mut work = Work { context, output, partitions };
        let mut known = work.timeline()?;
        let mut review = ManualReview::new(&directory, reviews);
        work.distribute(&mut known, &mut review)?;
        let before = Before { known: &known, recorded: &recorded, earlier: &earlier };
        let facts = work.read_contacts(draft, &before, &mut review)?;
        let open = work.output.manual_review(review.finish())?;
        let shown = work.people(&before, facts)?;
        work.histories(&known, &shown)?;
        work.rest()?;
        Ok((work.output.finish(draft)?, open))
    }

    /// Who is who: the ids of staged people, joined with their links.
    fn directory(&self) -> Result<Directory> {
        let sources = || self.options.phase.sources();
        let mut count = 0;
        for source in sources() {
            count += self.stage.rows::<staged_people::Table>(Some(source))?;
        }
        let mut enrolment = Enrolment::with_room(usize::try_from(count)?);
        for source in sources() {
            for batch in self.stage.glance::<staged_people::Table>(Some(source), &["source_id"])? {
                let batch = batch?;
                let ids = crate::tables::typed_column::<crate::tables::Text>(&batch, staged_people::Table::STEM, "source_id")?;
                let added = enrolment.add(source, ids.iter().map(Option::unwrap_or_default));
                added.map_err(|error| contradiction(&error, self.stage))?;
            }
        }
        for columns in self.resolved.read::<resolution::links::Table>(None)? {
            enrolment.link(&columns?).map_err(|error| contradiction(&error, self.resolved))?;
        }
        enrolment.finish().map_err(|error| contradiction(&error, self.resolved))
    }
}

/// The message about rows that need manual review.
pub fn manual_review(open: i64) -> String {
    let open = thousands(open);
    format!("manual review needed: {open} rows that touch consent could not be read; crm-backfill inspect check__manual_review")
}

/// Warns if contact flags override more opt-ins than the limit.
fn warn_of_flags(session: &Session, departures: &Departures) {
    let (overridden, opt_ins) = (departures.count(Departure::ConsentFlag), departures.count(Departure::ConsentGrants));
    if let Some(found) = flags_to_confirm(overridden, opt_ins) {
        session.progress.warn(format!("{found}; confirm consent.flag_false"));
    }
}

fn check_proofs(broken: &[(Proof, u64)]) -> Result<()> {
    let Some((first, rows)) = broken.first() else { return Ok(()) };
    let more = broken.len() - 1;
    let what = format!("a constraint of the CRM is violated by {}: {first}", counted(*rows, "row"));
    let what = if more > 0 { format!("{what} (and {more} more constraints)") } else { what };
    let mut fault = Fault::new(Exit::Mismatch, what).at("the datasets of data/crm, which stay as they were");
    for (proof, rows) in broken {
        fault = fault.help(format!("{}: {proof}", counted(*rows, "row")));
    }
    Err(fault.into())
}

fn check_balance(imbalances: &[(Source, &str, u64, u64)], stage: &Folder) -> Result<()> {
    if imbalances.is_empty() {
        return Ok(());
    }
    let mut fault =
        Fault::new(Exit::Mismatch, "the ledger does not balance with the exports").at(stage.path().display().to_string());
    for (source, entity, exported, accounted) in imbalances {
        let (exported, accounted) = (thousands(*exported), thousands(*accounted));
        fault = fault.help(format!("{source}.{entity}: {exported} rows exported, {accounted} accounted for"));
    }
    Err(fault.into())
}

fn outcome(done: &Folder) -> Result<StepOutcome> {
    let counts = [
        (done.rows::<crm::customer_profiles::Table>(None)?, "profiles"),
        (done.rows::<crm::identity_aliases::Table>(None)?, "aliases"),
        (done.rows::<crm::marketing_consents::Table>(None)?, "consents"),
        (done.rows::<crm::activities::Table>(None)?, "activities"),
        (done.rows::<crm::campaign_interactions::Table>(None)?, "campaign interactions"),
        (done.rows::<crm::duplicate_candidates::Table>(None)?, "pairs to review"),
        (done.rows::<check::ledger::Table>(None)?, "exported rows, each with one outcome: the ledger balances"),
    ];
    let mut text: String = counts.iter().map(|(rows, what)| format!(" {:>12} {what}\n", thousands(*rows))).collect();
    if let Some(open) = done.manifest.counts.get(MANUAL_REVIEW).filter(|open| **open > 0) {
        text.push_str(&format!(" {:>12} rows for manual review: check__manual_review\n", thousands(*open)));
    }
    text.push_str(&format!(" {:>12} proofs hold: every row satisfies the CRM's keys and constraints\n", Proof::ALL.len()));
    let rows: serde_json::Map<_, _> = counts.iter().map(|(rows, what)| ((*what).to_owned(), json!(rows))).collect();
    let expectations = ExpectationResults::read(done)?;
    if expectations.checked > 0 {
        let (checked, met) = (expectations.checked, expectations.checked - expectations.unmet.len());
        text.push_str(&format!(" {met:>12} of {checked} expectations of the owner are met\n"));
    }
    let summary = json!({
        "phase": done.manifest.phase,
        "as_of": done.manifest.as_of,
        "rows": rows,
        "counts": done.manifest.counts,
        "expectations": { "checked": expectations.checked, "unmet": expectations.unmet },
    });
    Ok(StepOutcome::new(text, summary).next(NEXT).fault(expectations.fault()))
}
