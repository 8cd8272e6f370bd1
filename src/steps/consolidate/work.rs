//! Makes the datasets: the timeline is streamed; everything else is distributed to partitions of the profiles and built partition by
//! partition.

use anyhow::Result;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::cli::Session;
use crate::consolidate::accounting::ledger;
use crate::consolidate::bits::Bits;
use crate::consolidate::consent::log::ConsentLog;
use crate::consolidate::consent::review::ManualReview;
use crate::consolidate::consent::units::unknown_withdrawal;
use crate::consolidate::profile::login_owners::Subjects;
use crate::consolidate::timeline::{EventTimeline, LatestHandicaps, Signals, Timeline, TimelineRows, note_joined};
use crate::consolidate::{Directory, Options};
use crate::fault::{Exit, Fault};
use crate::model::{Channel, Handicap, RecordIx, Source, Timestamp};
use crate::steps::engine::{EventDataset, EventEngine, TimelineJob};
use crate::store::{Folder, Ticket};
use crate::tables::stage::{
    bookings, club_memberships, consents, handicaps, identifiers, messages, people, references, sport_memberships,
};
use crate::tables::{Columns as _, Table, check};

use super::in_order::in_order;
use super::output::{CrmOutput, Examined};
use super::partitions::{BATCH, Partitions};

type Joined = HashMap<RecordIx, Timestamp, FixedState>;

/// What a step looks at.
#[derive(Clone, Copy)]
pub struct WorkContext<'a> {
    /// The configuration and the progress.
    pub session: &'a Session,
    /// `data/stage`
    pub stage: &'a Folder,
    /// `data/resolve`
    pub resolved: &'a Folder,
    /// Who is who.
    pub directory: &'a Directory,
    /// The settings.
    pub options: &'a Options,
    /// What puts bookings and messages on the timeline; this process if there is none.
    pub engine: Option<&'a dyn EventEngine>,
}

/// A step on its way.
pub struct Work<'a> {
    /// What it looks at.
    pub context: WorkContext<'a>,
    /// Where the rows go.
    pub output: CrmOutput<'a>,
    /// What waits for its partition.
    pub partitions: Partitions,
}

/// What the whole timeline tells of people before profiles are written.
pub struct Known {
    /// Bookings, bounces and complaints.
    pub signals: Signals,
    /// Earliest joining of a club by SCL member.
    pub joined: Joined,
    /// Handicaps of histories.
    pub handicaps: LatestHandicaps,
    /// Who holds which subject.
    pub subjects: Subjects,
    /// Unreadable contact flags.
    pub unreadable_flags: Vec<(RecordIx, Channel)>,
    /// Records that were deleted in their source.
    deleted: Bits,
}

/// What the profiles show of rows that are accounted for afterwards.
pub struct ShownRows {
    /// Places of the staged consents that became evidence.
    pub deciding: Bits,
    /// Records whose handicap is shown.
    pub handicaps: Bits,
}

impl<'a> Work<'a> {
    fn timeline_of(&self) -> Timeline<'a> {
        Timeline { directory: self.context.directory, options: self.context.options }
    }

    /// People, memberships, bookings and messages onto the timeline; people go on to their partitions.
    pub fn timeline(&mut self) -> Result<Known> {
        let timeline = self.timeline_of();
        let events = EventTimeline { people: self.context.directory, options: self.context.options };
        let mut known = Known {
            signals: Signals::new(self.context.directory),
            joined: Joined::with_hasher(FixedState::with_seed(0)),
            handicaps: LatestHandicaps::default(),
            subjects: Subjects::default(),
            unreadable_flags: Vec::new(),
            deleted: Bits::new(self.context.directory.record_count() as usize),
        };
        for source in self.context.options.phase.sources() {
            self.person_records(timeline, source, &mut known)?;
            let (joined, signals) = (&mut known.joined, &mut known.signals);
            self.stream::<club_memberships::Table>(
                source,
                |columns| timeline.club_memberships(source, columns),
                |columns, _| {
                    if source == Source::Scl {
                        note_joined(timeline.directory, columns, joined);
                    }
                },
            )?;
            self.stream::<sport_memberships::Table>(source, |columns| timeline.sport_memberships(source, columns), |_, _| {})?;
            self.events::<bookings::Table>(EventDataset::Bookings, source, |columns| events.bookings(columns), signals)?;
            self.events::<messages::Table>(EventDataset::Messages, source, |columns| events.messages(columns), signals)?;
        }
        if self.context.stage.has::<handicaps::Table>(Some(Source::McaZa)) {
            for batch in self.context.stage.read::<handicaps::Table>(Some(Source::McaZa))? {
                known.handicaps.note(&timeline, &batch?);
            }
        }
        known.subjects.settle();
        Ok(known)
    }

    /// The people of a source.
    fn person_records(&mut self, timeline: Timeline<'a>, source: Source, known: &mut Known) -> Result<()> {
        let task = self
            .context
            .session
            .progress
            .task(people::Table::stem(Some(source)), Some(self.context.stage.rows::<people::Table>(Some(source))?));
        let directory = self.context.directory;
        let mut next = directory.records_of(source).start;
        let numbered =
            self.context.stage.read::<people::Table>(Some(source))?.map(move |batch| -> Result<(RecordIx, people::Columns)> {
                let batch = batch?;
                let first = next;
                next += u32::try_from(batch.len())?;
                Ok((RecordIx(first), batch))
            });
        let (partitions, output) = (&mut self.partitions, &mut self.output);
        in_order(
            numbered,
            |(first, batch): (RecordIx, people::Columns)| {
                let starts = (0..batch.len()).step_by(BATCH as usize);
                let page = |start: usize| {
                    let rows = start..batch.len().min(start + BATCH as usize);
                    Examined::page(timeline.people(source, first, &batch, rows), directory)
                };
                let pages = starts.map(page).collect::<Result<Vec<_>>>()?;
                Ok((first, batch, pages))
            },
            |(first, batch, pages)| {
                known.subjects.note(directory, source, first, &batch);
                let records = || (first.index()..).map(RecordIx::at).zip(0..batch.len());
                for (record, row) in records().filter(|_| source == Source::Messaging) {
                    if batch.deleted_at(row).is_some() {
                        known.deleted.set(record.index());
                    }
                }
                let tickets: Vec<Option<Ticket>> = records().map(|(record, _)| partitions.ticket(record, source, 0)).collect();
                partitions.take_people(source, &batch, &tickets)?;
                task.advance(batch.len() as u64);
                pages.into_iter().try_for_each(|page| output.page(page))
            },
        )?;
        task.finish("");
        Ok(())
    }

    /// Bookings or messages of a source: by the engine, if there is one.
    fn events<T: Table + Send>(
        &mut self,
        events: EventDataset,
        source: Source,
        turn: impl Fn(&T::Columns) -> TimelineRows + Sync,
        signals: &mut Signals,
    ) -> Result<()> {
        let WorkContext { session, stage, resolved, directory, options, engine } = self.context;
        let has_rows = stage.has::<T>(Some(source)) && stage.rows::<T>(Some(source))? > 0;
        let Some(engine) = engine.filter(|_| has_rows) else {
            return self.stream::<T>(source, turn, |_, page| signals.add(&page.signals));
        };
        let task = session.progress.task(T::stem(Some(source)), Some(stage.rows::<T>(Some(source))?));
        let scratch = self.output.scratch();
        let output = &mut self.output;
        in_order(
            engine.timeline(TimelineJob { events, stage, resolved, directory, options, scratch })?,
            |rows: TimelineRows| Examined::page(rows, directory),
            |page| {
                signals.add(&page.rows.signals);
                task.advance(page.rows.ledger.num_rows() as u64);
                output.page(page)
            },
        )?;
        task.finish("");
        Ok(())
    }

    /// A dataset of a source, some batches at once, in order; a source that has no such dataset is skipped.
    fn stream<T: Table + Send>(
        &mut self,
        source: Source,
        turn: impl Fn(&T::Columns) -> TimelineRows + Sync,
        mut note: impl FnMut(&T::Columns, &TimelineRows),
    ) -> Result<()> {
        if !self.context.stage.has::<T>(Some(source)) || self.context.stage.rows::<T>(Some(source))? == 0 {
            return Ok(());
        }
        let task = self.context.session.progress.task(T::stem(Some(source)), Some(self.context.stage.rows::<T>(Some(source))?));
        let directory = self.context.directory;
        let output = &mut self.output;
        in_order(
            self.context.stage.read::<T>(Some(source))?,
            |columns: T::Columns| {
                let page = Examined::page(turn(&columns), directory)?;
                Ok((columns, page))
            },
            |(columns, page)| {
                note(&columns, &page.rows);
                task.advance(columns.len() as u64);
                output.page(page)
            },
        )?;
        task.finish("");
        Ok(())
    }

    fn page(&mut self, page: TimelineRows) -> Result<()> {
        self.output.page(Examined::page(page, self.context.directory)?)
    }

    /// Further identifiers and consents go to their partitions; what has no contact goes to manual review.
    pub fn distribute(&mut self, known: &mut Known, review: &mut ManualReview<'_>) -> Result<()> {
        for batch in self.context.stage.read::<check::rejects::Table>(None)? {
            review.rejects(&batch?);
        }
        known.unreadable_flags = review.unreadable_flags().to_vec();
        let directory = self.context.directory;
        for source in
            self.context.options.phase.sources().filter(|&source| self.context.stage.has::<identifiers::Table>(Some(source)))
        {
            for batch in self.context.stage.read::<identifiers::Table>(Some(source))? {
                let batch = batch?;
                let record = |row| directory.record(source, batch.source_id(row));
                let tickets: Vec<Option<Ticket>> =
                    (0..batch.len()).map(|row| self.partitions.ticket(record(row)?, source, 0)).collect();
                self.partitions.take_identifiers(&batch, &tickets)?;
            }
        }
        if self.context.stage.has::<consents::Table>(Some(Source::Messaging)) {
            let partitions = &mut self.partitions;
            let mut next = 0_u32;
            in_order(
                self.context.stage.read::<consents::Table>(Some(Source::Messaging))?,
                |batch: consents::Columns| {
                    let contact = |row| directory.record(Source::Messaging, batch.source_id(row));
                    let contacts: Vec<Option<RecordIx>> = (0..batch.len()).map(contact).collect();
                    Ok((batch, contacts))
                },
                |(batch, contacts)| {
                    let unknown = batch.rows().zip(&contacts).filter(|(_, contact)| contact.is_none());
                    review.unknown_contacts(unknown.filter_map(|(row, _)| unknown_withdrawal(&row)));
                    let ticket =
                        |(contact, place): (&Option<RecordIx>, u32)| partitions.ticket((*contact)?, Source::Messaging, place);
                    let tickets: Vec<Option<Ticket>> = contacts.iter().zip(next..).map(ticket).collect();
                    next += u32::try_from(batch.len())?;
                    partitions.take_consents(&batch, &tickets)
                },
            )?;
        }
        self.partitions.finish()
    }

    /// What can only be settled once it is known what profiles show: handicaps and evidence of consent.
    pub fn histories(&mut self, known: &Known, shown: &ShownRows) -> Result<()> {
        let timeline = self.timeline_of();
        if self.context.stage.has::<handicaps::Table>(Some(Source::McaZa)) {
            let mut before: Option<(String, Handicap)> = None;
            for batch in self.context.stage.read::<handicaps::Table>(Some(Source::McaZa))? {
                let columns = batch?;
                let is_shown = |record: RecordIx| shown.handicaps.has(record.index());
                self.page(known.handicaps.page(&timeline, &columns, before.as_ref(), is_shown))?;
                let last = columns.rows().filter_map(|row| Some((row.source_id.to_owned(), row.handicap?))).last();
                before = last.or(before);
            }
        }
        if self.context.stage.has::<consents::Table>(Some(Source::Messaging)) {
            let mut log = ConsentLog::new(timeline, &shown.deciding, &known.deleted);
            for batch in self.context.stage.read::<consents::Table>(Some(Source::Messaging))? {
                self.page(log.push(&batch?))?;
            }
            self.page(log.finish())?;
        }
        Ok(())
    }

    /// Rows that are on no timeline: association numbers, look-ups, rejects.
    pub fn rest(&mut self) -> Result<()> {
        for source in self.context.options.phase.sources() {
            if self.context.stage.has::<identifiers::Table>(Some(source)) {
                for batch in self.context.stage.read::<identifiers::Table>(Some(source))? {
                    let columns = batch?;
                    let mut rows = Vec::new();
                    ledger::identified(self.context.directory, source, &columns, &mut rows);
                    self.output.ledger_rows(&rows)?;
                }
            }
            if self.context.stage.has::<references::Table>(Some(source)) {
                for batch in self.context.stage.read::<references::Table>(Some(source))? {
                    let columns = batch?;
                    let mut rows = Vec::new();
                    ledger::referenced(source, &columns, &mut rows);
                    self.output.ledger_rows(&rows)?;
                }
            }
        }
        for batch in self.context.stage.read::<check::rejects::Table>(None)? {
            let columns = batch?;
            let mut rows = Vec::new();
            ledger::rejected(&columns, &mut rows);
            self.output.ledger_rows(&rows)?;
        }
        Ok(())
    }
}

/// Datasets that contradict each other.
pub fn contradiction(error: &crate::consolidate::BuildError, folder: &Folder) -> anyhow::Error {
    let fault = Fault::new(Exit::Input, error.to_string()).at(folder.path().display().to_string());
    fault.help("make stage resolve").into()
}
