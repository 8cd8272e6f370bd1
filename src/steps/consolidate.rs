//! `consolidate`: builds profiles, aliases, consents, timeline and ledger from staged records and links.

mod inputs;
mod output;
mod prove;

use anyhow::Result;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use rayon::prelude::*;
use serde_json::json;

use crate::cli::{Outcome, Session};
use crate::consolidate::accounting::ledger;
use crate::consolidate::accounting::proofs::Proof;
use crate::consolidate::consent::bounces::Bounces;
use crate::consolidate::consent::contact_points::{Hubs, Identifiers};
use crate::consolidate::consent::earlier::{EarlierWithdrawal, Recorded};
use crate::consolidate::consent::log::ConsentLog;
use crate::consolidate::consent::review::ManualReview;
use crate::consolidate::consent::suppressions;
use crate::consolidate::consent::units::{Units, UnitsBuilder};
use crate::consolidate::consent::weigh::Consents;
use crate::consolidate::consent::withdrawals::Withdrawals;
use crate::consolidate::profile;
use crate::consolidate::profile::contact_holders::ContactHolders;
use crate::consolidate::profile::fields::Survival;
use crate::consolidate::profile::login_owners::Subjects;
use crate::consolidate::profile::namesakes::Namesakes;
use crate::consolidate::timeline::{LatestHandicaps, Page, Signals, Timeline, note_joined};
use crate::consolidate::{Departure, Departures, Options, Roster, candidates, flags_to_confirm};
use crate::fault::{Exit, Fault};
use crate::model::{Code, Handicap, Phase, Source, Timestamp};
use crate::model::{RecordIx, thousands};
use crate::sources;
use crate::steps::binding::{self, Made};
use crate::steps::{Again, nothing_to_do, unchanged};
use crate::store::{Draft, Folder, RunLock};
use crate::tables::crm;
use crate::tables::stage::{
    bookings, club_memberships, consents, handicaps, identifiers, messages, people, references, sport_memberships,
};
use crate::tables::{Columns as _, Table, check, resolution};

use inputs::{earlier_withdrawals, kept_apart, options, recorded};
use output::{Account, Examined, Output};
use prove::Proofs;

/// Arguments of `consolidate`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Whether to run although nothing changed.
    #[command(flatten)]
    pub again: Again,
}

/// Profiles per batch. Each has about twenty rows, so that a batch is about as large as one of the timeline.
const SLICE: u32 = 2048;
const NEXT: &str = "make score";
/// The manifest's count of open rows of `check__manual_review`.
pub const MANUAL_REVIEW: &str = "manual review";

/// Reads `data/stage` and `data/resolve`, writes `data/crm`.
pub fn run(session: &Session, args: Args) -> Result<Outcome> {
    let _lock = RunLock::take(&session.layout, "consolidate")?;
    binding::require(session, Made::Resolve)?;
    let mut manifest = crate::steps::inputs::of_consolidate(session)?;
    let target = session.layout.crm();
    if let Some(done) = unchanged(session, &target, &manifest, args.again)? {
        return Ok(nothing_to_do("consolidate", &done, NEXT));
    }
    let stage = Folder::open(&session.layout.stage())?;
    let resolved = Folder::open(&session.layout.resolve())?;
    let phase = session.check_phase(stage.manifest.phase, stage.path())?;
    let as_of = session.check_as_of(&stage.manifest.as_of, stage.path())?;
    let crm_export = Folder::find(&session.layout.exports_crm())?;
    let exported = exported_rows(session, phase)?;
    let (_, reviews) = crate::steps::inputs::reviews(session)?;

    let options = options(&session.config, as_of, phase);
    let earlier = earlier_withdrawals(crm_export.as_ref(), as_of)?;
    let recorded = recorded(crm_export.as_ref())?;
    let read_people = |source| Ok((source, stage.read_all::<people::Table>(Some(source))?));
    let staged_people = phase.sources().map(read_people).collect::<Result<Vec<_>>>()?;
    let links = resolved.read_all::<resolution::links::Table>(None)?;
    let roster = Roster::new(staged_people, &links).map_err(|error| contradiction(&error, &resolved))?;
    drop(links);

    let draft = Draft::create(&target, &stage.manifest.as_of)?;
    let mut work = Work { session, stage: &stage, roster: &roster, options: &options, output: Output::new(&draft, &roster)? };
    let timeline = Timeline { roster: &roster, options: &options };
    let (signals, joined) = work.timeline(timeline)?;
    let known = Known { signals, joined, handicaps: work.handicaps(timeline)?, identifiers: work.identifiers()? };
    let mut review = ManualReview::new(&roster, &reviews);
    let units = work.units(&known, &recorded, &mut review)?;
    let open = work.output.manual_review(review.finish(&units))?;
    let shown = work.people(&resolved, &known, &units, &earlier)?;
    work.histories(timeline, &known.handicaps, &units, &shown)?;
    work.rest()?;
    let Account { broken, tally, departures } = work.output.finish(&draft)?;

    check_proofs(&broken)?;
    let imbalances = tally.imbalances(exported.iter().map(|&(source, entity, rows)| (source, entity, rows)));
    check_balance(&imbalances, &stage)?;
    Proofs { session, stage: &stage, resolved: &resolved, draft: &draft, phase, as_of, exported: &exported }.run()?;
    for (source, entity, outcome, reason, count) in tally.counts() {
        let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        let name = format!("ledger {source} {entity} {outcome}{reason}");
        manifest.counts.insert(name, i64::try_from(count).unwrap_or(i64::MAX));
    }
    for row in departures.rows() {
        manifest.counts.insert(format!("departure {}", row.departure), row.row_count);
    }
    warn_of_flags(session, &departures);
    manifest.counts.insert(MANUAL_REVIEW.to_owned(), open);
    if open > 0 {
        session.progress.warn(manual_review(open));
    }
    manifest.counts.insert("proofs".to_owned(), i64::try_from(Proof::ALL.len()).unwrap_or(i64::MAX));
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

/// Batches that are processed in parallel. Affects memory, never the result.
fn at_once() -> usize {
    2 * rayon::current_num_threads()
}

struct Work<'a> {
    session: &'a Session,
    stage: &'a Folder,
    roster: &'a Roster,
    options: &'a Options,
    output: Output<'a>,
}

type Joined = HashMap<RecordIx, Timestamp, FixedState>;

/// Facts about people that are known before profiles are written.
struct Known {
    signals: Signals,
    joined: Joined,
    handicaps: LatestHandicaps,
    identifiers: Identifiers,
}

impl<'a> Work<'a> {
    /// Writes person records, memberships, bookings and messages to the timeline.
    fn timeline(&mut self, timeline: Timeline<'_>) -> Result<(Signals, Joined)> {
        let mut signals = Signals::new(self.roster);
        let mut joined = Joined::with_hasher(FixedState::with_seed(0));
        for source in self.options.phase.sources() {
            let records: Vec<RecordIx> = self.roster.records_of(source).collect();
            for some in records.chunks(SLICE as usize) {
                self.page(timeline.people(source, some))?;
            }
            self.stream::<club_memberships::Table>(
                source,
                |columns| timeline.club_memberships(source, columns),
                |columns, _| {
                    if source == Source::Scl {
                        note_joined(timeline.roster, columns, &mut joined);
                    }
                },
            )?;
            self.stream::<sport_memberships::Table>(source, |columns| timeline.sport_memberships(source, columns), |_, _| {})?;
            self.stream::<bookings::Table>(
                source,
                |columns| timeline.bookings(columns),
                |_, page| signals.take_up(&page.signals),
            )?;
            self.stream::<messages::Table>(
                source,
                |columns| timeline.messages(columns),
                |_, page| signals.take_up(&page.signals),
            )?;
        }
        Ok((signals, joined))
    }

    /// Streams a dataset of a source, some batches in parallel, results in order. A source without the dataset is skipped.
    fn stream<T: Table>(
        &mut self,
        source: Source,
        turn: impl Fn(&T::Columns) -> Page + Sync,
        mut note: impl FnMut(&T::Columns, &Page),
    ) -> Result<()> {
        if !self.stage.has::<T>(Some(source)) || self.stage.rows::<T>(Some(source))? == 0 {
            return Ok(());
        }
        let session = self.session;
        let task = session.progress.task(T::stem(Some(source)), Some(self.stage.rows::<T>(Some(source))?));
        let mut batches = self.stage.read::<T>(Some(source))?;
        loop {
            let some = batches.by_ref().take(at_once()).collect::<Result<Vec<_>>>()?;
            if some.is_empty() {
                break;
            }
            let roster = self.roster;
            let pages: Vec<_> = some.par_iter().map(|columns| Examined::page(turn(columns), roster)).collect::<Result<_>>()?;
            for (columns, page) in some.iter().zip(pages) {
                note(columns, &page.rows);
                task.advance(columns.len() as u64);
                self.output.page(page)?;
            }
        }
        task.finish("");
        Ok(())
    }

    fn page(&mut self, page: Page) -> Result<()> {
        self.output.page(Examined::page(page, self.roster)?)
    }

    /// The latest valid handicap of every member with a history.
    fn handicaps(&self, timeline: Timeline<'_>) -> Result<LatestHandicaps> {
        let mut latest = LatestHandicaps::default();
        if self.stage.has::<handicaps::Table>(Some(Source::McaZa)) {
            for batch in self.stage.read::<handicaps::Table>(Some(Source::McaZa))? {
                latest.note(&timeline, &batch?);
            }
        }
        Ok(latest)
    }

    fn identifiers(&self) -> Result<Identifiers> {
        let mut staged = Vec::new();
        for source in self.options.phase.sources().filter(|&source| self.stage.has::<identifiers::Table>(Some(source))) {
            staged.push((source, self.stage.read_all::<identifiers::Table>(Some(source))?));
        }
        Identifiers::new(staged, self.roster).map_err(|error| contradiction(&error, self.stage))
    }

    fn units(&mut self, known: &Known, recorded: &Recorded, review: &mut ManualReview<'_>) -> Result<Units> {
        for batch in self.stage.read::<check::rejects::Table>(None)? {
            review.rejects(&batch?);
        }
        let mut builder = UnitsBuilder::new(self.roster, recorded, self.options);
        if self.stage.has::<consents::Table>(Some(Source::Messaging)) {
            for batch in self.stage.read::<consents::Table>(Some(Source::Messaging))? {
                builder.push(&batch?).map_err(|error| contradiction(&error, self.stage))?;
            }
        }
        builder.complaints(known.signals.complaints());
        builder.unreadable_flags(review.unreadable_flags());
        let (units, departures) = builder.finish();
        self.output.departures.merge(&departures);
        self.output.undated(units.undated())?;
        review.unknown_contacts(units.of_unknown_contacts());
        review.unknown_contacts(known.signals.unknown_complaints().iter().map(|row_id| ("messages", row_id.as_str())));
        Ok(units)
    }

    /// Writes profiles with aliases and consents, suppressions, duplicate candidates.
    fn people(&mut self, resolved: &Folder, known: &Known, units: &Units, earlier: &[EarlierWithdrawal]) -> Result<Shown> {
        let Known { signals, joined, handicaps, identifiers } = known;
        let hubs = &Hubs::new(&resolved.read_all::<resolution::hubs::Table>(None)?);
        let subjects = &Subjects::new(self.roster);
        let withdrawals = &Withdrawals::new(self.roster, identifiers, units, earlier, self.options);
        let (options, roster) = (self.options, self.roster);
        let bounces = &Bounces::new(roster, signals, options);
        let holders = &ContactHolders::default();
        let survival = Survival { options, roster, identifiers, hubs, signals, bounces, handicaps, joined, subjects, holders };
        let holders = &ContactHolders::new(roster, options, |profile, candidates| survival.carried_contacts(profile, candidates));
        let survival = Survival { holders, ..survival };
        if holders.left_to_others() > 0 {
            let count = thousands(i128::from(holders.left_to_others()));
            self.session
                .progress
                .warn(format!("{count} shared emails and phones are shown by one profile only; the others keep them as aliases"));
        }
        let weighing = Consents { roster, identifiers, units, withdrawals, options };

        let count = roster.profile_count();
        let task = self.session.progress.task("profiles", Some(u64::from(count)));
        let mut shown =
            Shown { is_deciding: vec![false; units.all().len()], handicaps: vec![false; roster.record_count() as usize] };
        let mut namesakes = Namesakes::default();
        let starts: Vec<u32> = (0..count).step_by(SLICE as usize).collect();
        for some in starts.chunks(at_once()) {
            let build =
                |&start: &u32| Examined::slice(profile::build(&survival, &weighing, start..count.min(start + SLICE)), roster);
            let slices: Vec<_> = some.par_iter().map(build).collect::<Result<_>>()?;
            for slice in slices {
                for &unit in &slice.rows.deciding_units {
                    shown.is_deciding[unit as usize] = true;
                }
                for &record in &slice.rows.shown_handicaps {
                    shown.handicaps[record.index()] = true;
                }
                task.advance(slice.rows.profiles.num_rows() as u64);
                namesakes.merge(self.output.slice(slice)?);
            }
        }
        task.finish("");
        self.output.suppressions(suppressions::build(roster, identifiers, units, withdrawals, signals, earlier, options))?;
        let pairs = resolved.read_all::<resolution::candidates::Table>(None)?;
        self.output
            .departures
            .add(Departure::AuthUserIdHeldElsewhere, i64::try_from(subjects.others().len()).unwrap_or(i64::MAX));
        let apart = kept_apart(resolved, roster)?;
        let batch = candidates::build(roster, &pairs, subjects.others(), &namesakes.pairs(roster), &apart);
        self.output.candidates(batch).map(|()| shown)
    }

    /// Writes the rows that depend on what profiles show: handicaps and evidence of consent.
    fn histories(&mut self, timeline: Timeline<'_>, latest: &LatestHandicaps, units: &Units, shown: &Shown) -> Result<()> {
        if self.stage.has::<handicaps::Table>(Some(Source::McaZa)) {
            let mut before: Option<(String, Handicap)> = None;
            for batch in self.stage.read::<handicaps::Table>(Some(Source::McaZa))? {
                let columns = batch?;
                let is_shown = |record: RecordIx| shown.handicaps[record.index()];
                self.page(latest.page(&timeline, &columns, before.as_ref(), is_shown))?;
                let last = columns.rows().filter_map(|row| Some((row.source_id.to_owned(), row.handicap?))).last();
                before = last.or(before);
            }
        }
        if self.stage.has::<consents::Table>(Some(Source::Messaging)) {
            let mut log = ConsentLog::new(timeline, units, &shown.is_deciding);
            for batch in self.stage.read::<consents::Table>(Some(Source::Messaging))? {
                self.page(log.push(&batch?))?;
            }
            self.page(log.finish())?;
        }
        Ok(())
    }

    /// Writes the ledger of rows that are not on the timeline: association numbers, look-ups, rejects.
    fn rest(&mut self) -> Result<()> {
        for source in self.options.phase.sources() {
            if self.stage.has::<identifiers::Table>(Some(source)) {
                for batch in self.stage.read::<identifiers::Table>(Some(source))? {
                    let columns = batch?;
                    let mut rows = Vec::new();
                    ledger::identified(self.roster, source, &columns, &mut rows);
                    self.output.ledger_rows(&rows)?;
                }
            }
            if self.stage.has::<references::Table>(Some(source)) {
                for batch in self.stage.read::<references::Table>(Some(source))? {
                    let columns = batch?;
                    let mut rows = Vec::new();
                    ledger::referenced(source, &columns, &mut rows);
                    self.output.ledger_rows(&rows)?;
                }
            }
        }
        for batch in self.stage.read::<check::rejects::Table>(None)? {
            let columns = batch?;
            let mut rows = Vec::new();
            ledger::rejected(&columns, &mut rows);
            self.output.ledger_rows(&rows)?;
        }
        Ok(())
    }
}

/// What the profiles show of rows that are accounted for later.
struct Shown {
    is_deciding: Vec<bool>,
    handicaps: Vec<bool>,
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

fn contradiction(error: &crate::consolidate::BuildError, folder: &Folder) -> anyhow::Error {
    let fault = Fault::new(Exit::Input, error.to_string()).at(folder.path().display().to_string());
    fault.help("make stage resolve").into()
}

fn check_proofs(broken: &[(Proof, u64)]) -> Result<()> {
    let Some((first, rows)) = broken.first() else { return Ok(()) };
    let more = broken.len() - 1;
    let what = format!("{} rows violate a constraint of the CRM: {first}", thousands(*rows));
    let what = if more > 0 { format!("{what} (and {more} more constraints)") } else { what };
    let mut fault = Fault::new(Exit::Mismatch, what).at("the datasets of data/crm, which stay as they were");
    for (proof, rows) in broken {
        fault = fault.help(format!("{} rows: {proof}", thousands(*rows)));
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

fn outcome(done: &Folder) -> Result<Outcome> {
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
    let summary =
        json!({ "phase": done.manifest.phase, "as_of": done.manifest.as_of, "rows": rows, "counts": done.manifest.counts });
    Ok(Outcome::new(text, summary).next(NEXT))
}
