//! A small invented world for the tests of this module: people, links and evidence go in, the CRM's rows come out, all in memory.

use arrow::array::RecordBatch;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::bits::Bits;
use crate::consolidate::consent::bounces::Bounces;
use crate::consolidate::consent::contact_points::{Hubs, Identifiers};
use crate::consolidate::consent::earlier::{EarlierWithdrawal, Recorded};
use crate::consolidate::consent::log::ConsentLog;
use crate::consolidate::consent::merge::merge;
use crate::consolidate::consent::review::ManualReview;
use crate::consolidate::consent::suppressions;
use crate::consolidate::consent::units::{Units, UnitsBuilder, unknown_withdrawal};
use crate::consolidate::consent::weigh::Consents;
use crate::consolidate::consent::withdrawals::Withdrawals;
use crate::consolidate::profile::contact_holders::ContactHolders;
use crate::consolidate::profile::fields::Survival;
use crate::consolidate::profile::login_owners::Subjects;
use crate::consolidate::profile::{self, Slice};
use crate::consolidate::timeline::{EventTimeline, LatestHandicaps, Signals, Timeline, TimelineRows, note_joined};
use crate::consolidate::{Departures, Options, RecordIndex, candidates};
use crate::model::{Code as _, LinkRule, RecordIx, RecordKey, Reviews, Source, TenantRule, Timestamp, profile_id};
use crate::tables::crm::{
    activities, campaign_interactions, customer_profiles, duplicate_candidates, field_provenance, identity_aliases,
    marketing_consents,
};
use crate::tables::resolution::{hubs, links};
use crate::tables::stage::{bookings, club_memberships, consents, handicaps, identifiers, messages, people};
use crate::tables::{Builder as _, Columns as _, Table, check};

/// An instant on a day of 2024.
pub fn at(day: &str) -> Timestamp {
    Timestamp::parse(&format!("2024-{day}T12:00:00Z")).expect("a day such as 03-01")
}

/// A record without any value.
pub fn person(source_id: &'static str) -> people::Row<'static> {
    people::Row { tenant_id: Some("1"), tenant_rule: TenantRule::Row, may_found: true, ..people::Row::blank(source_id) }
}

/// A record with an email that is also a key.
pub fn with_email(source_id: &'static str, email: &'static str) -> people::Row<'static> {
    people::Row { email: Some(email), email_key: Some(email), ..person(source_id) }
}

/// A contact with an email.
pub fn contact(id: &'static str, email: &'static str) -> people::Row<'static> {
    people::Row { updated_at: Some(at("01-01")), ..with_email(id, email) }
}

/// The same evidence for another scope.
pub fn scoped(scope: &'static str, row: consents::Row<'static>) -> consents::Row<'static> {
    consents::Row { scope, ..row }
}

/// `channel scope STATUS` of every consent.
pub fn consent_rows(built: &Built) -> Vec<String> {
    built.consents.rows().map(|row| format!("{} {} {}", row.channel, row.scope, row.status)).collect()
}

/// A piece of evidence for the scope `all`.
pub fn evidence(
    contact: &'static str,
    row_id: &'static str,
    channel: crate::model::Channel,
    is_grant: bool,
    day: &str,
) -> consents::Row<'static> {
    consents::Row {
        source_id: contact,
        entity: "preferences",
        row_id,
        channel: Some(channel),
        scope: "all",
        is_grant,
        is_act: false,
        at: at(day),
        changed_at: at(day),
        is_undated: false,
        origin: None,
        channel_raw: "EMAIL",
    }
}

/// A logged change made by the person.
pub fn logged_act(mut row: consents::Row<'static>) -> consents::Row<'static> {
    (row.entity, row.is_act, row.origin) = ("consent_changes", true, Some("WEB_FORM"));
    row
}

/// The input.
#[derive(Default)]
pub struct World {
    people: Vec<(Source, people::Row<'static>, Option<&'static str>)>,
    pub identifiers: Vec<(Source, identifiers::Row<'static>)>,
    pub consents: Vec<consents::Row<'static>>,
    pub hubs: Vec<hubs::Row<'static>>,
    pub clubs: Vec<(Source, club_memberships::Row<'static>)>,
    pub bookings: Vec<bookings::Row<'static>>,
    pub messages: Vec<messages::Row<'static>>,
    pub handicaps: Vec<handicaps::Row<'static>>,
    pub rejects: Vec<check::rejects::Row<'static>>,
    pub reviews: Reviews,
    pub earlier: Vec<EarlierWithdrawal>,
    pub recorded: Recorded,
}

/// The output.
pub struct Built {
    pub profiles: customer_profiles::Columns,
    pub provenance: field_provenance::Columns,
    pub aliases: identity_aliases::Columns,
    pub consents: marketing_consents::Columns,
    pub suppressions: RecordBatch,
    pub candidates: duplicate_candidates::Columns,
    pub activities: Vec<activities::Columns>,
    pub interactions: Vec<campaign_interactions::Columns>,
    pub ledger: Vec<check::ledger::Columns>,
    pub departures: Departures,
    pub review: check::manual_review::Columns,
    pub undated: Vec<String>,
    pub slice: Slice,
}

/// What the timeline leaves for the profiles.
struct TimelinePages {
    pages: Vec<TimelineRows>,
    subjects: Subjects,
    joined: HashMap<RecordIx, Timestamp, FixedState>,
}

/// The evidence for consent.
struct SortedEvidence {
    evidence: consents::Columns,
    /// That of contacts with a record.
    known: consents::Columns,
    /// The record and the position of each row of `known`.
    places: Vec<(RecordIx, u32)>,
    /// Entity and id of the withdrawals of other contacts.
    unknown: Vec<(&'static str, &'static str)>,
}

pub fn columns<T: Table>(rows: impl IntoIterator<Item = T::Row<'static>>) -> T::Columns {
    let mut builder = T::builder(0);
    for row in rows {
        T::push(&mut builder, row);
    }
    read::<T>(&builder.finish())
}

fn read<T: Table>(batch: &RecordBatch) -> T::Columns {
    T::columns(batch).expect("a builder's own batch")
}

impl World {
    /// Adds a record to the profile of this name; the first one is the seed record. Records must come in record order.
    pub fn add(&mut self, source: Source, row: people::Row<'static>, profile: &'static str) -> &mut Self {
        self.people.push((source, row, Some(profile)));
        self
    }

    /// Adds a record that belongs to no profile.
    pub fn skip(&mut self, source: Source, row: people::Row<'static>) -> &mut Self {
        self.people.push((source, row, None));
        self
    }

    /// The id of the profile of this name.
    pub fn id(&self, profile: &str) -> String {
        let founder = self.people.iter().find(|(_, _, name)| *name == Some(profile)).expect("a profile of this name");
        profile_id(RecordKey { source: founder.0, id: founder.1.source_id }, 1).to_string()
    }

    pub fn record_index(&self) -> RecordIndex {
        let staged = staged(|source| {
            columns::<people::Table>(self.people.iter().filter(|(of, _, _)| *of == source).map(|(_, row, _)| *row))
        });
        let mut builder = links::Builder::new(0);
        for (position, (source, row, profile)) in self.people.iter().enumerate() {
            let id = profile.map(|profile| self.id(profile));
            let is_first = !self.people[..position].iter().any(|(_, _, other)| other == profile);
            let rule = match profile {
                None => LinkRule::Skipped,
                Some(_) if is_first => LinkRule::Founder,
                Some(_) => LinkRule::Email,
            };
            builder.push(links::Row {
                source: *source,
                entity: source.people(),
                source_id: row.source_id,
                tenant_id: profile.and(row.tenant_id.or(Some("1"))),
                profile_id: id.as_deref(),
                rule,
                confidence: if is_first { 100 } else { 95 },
                matched_source: None,
                matched_source_id: None,
                evidence: "",
                bits16: 0,
            });
        }
        let links = read::<links::Table>(&builder.finish());
        RecordIndex::new(staged, &[links]).expect("a consistent world")
    }

    /// Consolidates the world: timeline, evidence, profiles, and the log of consent.
    pub fn build(&self, options: &Options) -> Built {
        let record_index = &self.record_index();
        let timeline = Timeline { directory: record_index, options };
        let TimelinePages { mut pages, mut subjects, joined } = self.timeline(record_index, options);
        let mut signals = Signals::new(record_index);
        pages.iter().for_each(|page| signals.add(&page.signals));
        let SortedEvidence { evidence, known, places, unknown } = self.evidence(record_index);
        let staged = staged(|source| {
            let rows = self.identifiers.iter().filter(|(of, _)| *of == source).map(|(_, row)| *row);
            columns::<identifiers::Table>(rows)
        });
        let identifiers = &Identifiers::new(staged, record_index).expect("few");
        let mut review = ManualReview::new(record_index, &self.reviews);
        review.rejects(&columns::<check::rejects::Table>(self.rejects.iter().copied()));
        let mut builder = UnitsBuilder::new(record_index, &self.recorded, options);
        builder.push(&known, &places).expect("few");
        builder.complaints(signals.complaints());
        builder.unreadable_flags(review.unreadable_flags());
        let (units, mut departures) = builder.finish();
        review.unknown_contacts(unknown);
        review.note_withdrawn(&review.withdrawn(&units));
        review.unknown_contacts(signals.unknown_complaints().iter().map(|row_id| ("messages", row_id.as_str())));
        let review = review.finish();
        let mut latest = LatestHandicaps::default();
        latest.note(&timeline, &columns::<handicaps::Table>(self.handicaps.iter().copied()));
        let mut bounces = Bounces::of(record_index, &signals, options);
        bounces.settle();
        let hubs = &Hubs::new(&[columns::<hubs::Table>(self.hubs.iter().copied())]);
        subjects.settle();
        let mut withdrawals = Withdrawals::of(record_index, identifiers, &units, &self.earlier, options);
        withdrawals.settle(&self.earlier);
        let survival = Survival {
            options,
            record_index,
            identifiers,
            hubs,
            signals: &signals,
            bounces: &bounces,
            handicaps: &latest,
            joined: &joined,
            subjects: &subjects,
            holders: &ContactHolders::default(),
        };
        let mut holders = ContactHolders::new(options);
        holders.claim(record_index, |profile, profile_records| survival.carried_contacts(profile, profile_records));
        let survival = Survival { holders: &holders, ..survival };
        let weighing = Consents { record_index, identifiers, units: &units, withdrawals: &withdrawals, options };
        let slice = profile::build(&survival, &weighing, 0..record_index.profile_count());
        departures.merge(&slice.departures);
        pages.extend(self.consent_log(timeline, record_index, &slice, &evidence));
        pages.iter().for_each(|page| departures.merge(&page.departures));
        let namesakes = slice.namesakes.clone().pairs();
        let candidates = candidates::build(record_index, Default::default(), subjects.others(), &namesakes, &Default::default());
        Built {
            profiles: read::<customer_profiles::Table>(&slice.profiles),
            provenance: read::<field_provenance::Table>(&slice.provenance),
            aliases: read::<identity_aliases::Table>(&slice.aliases),
            consents: read::<marketing_consents::Table>(&slice.consents),
            suppressions: merged(record_index, identifiers, &units, &withdrawals, &signals, &self.earlier, options),
            candidates: read::<duplicate_candidates::Table>(&candidates),
            activities: pages.iter().map(|page| read::<activities::Table>(&page.activities)).collect(),
            interactions: pages.iter().map(|page| read::<campaign_interactions::Table>(&page.interactions)).collect(),
            ledger: pages.iter().map(|page| read::<check::ledger::Table>(&page.ledger)).collect(),
            departures,
            review: read::<check::manual_review::Table>(&review),
            undated: units.undated().to_vec(),
            slice,
        }
    }

    /// The timeline of every source but the log of consent.
    fn timeline(&self, record_index: &RecordIndex, options: &Options) -> TimelinePages {
        let timeline = Timeline { directory: record_index, options };
        let mut pages = Vec::new();
        let mut subjects = Subjects::default();
        let mut joined = HashMap::with_hasher(FixedState::with_seed(0));
        for source in options.phase.sources() {
            let of_source = self.people.iter().filter(|(of, _, _)| *of == source).map(|(_, row, _)| *row);
            let staged = columns::<people::Table>(of_source);
            let first = RecordIx(record_index.directory().records_of(source).start);
            subjects.note(record_index, source, first, &staged);
            pages.push(timeline.people(source, first, &staged, 0..staged.len()));
            let clubs = self.clubs.iter().filter(|(of, _)| *of == source).map(|(_, row)| *row);
            let clubs = columns::<club_memberships::Table>(clubs);
            if source == Source::Scl {
                note_joined(record_index, &clubs, &mut joined);
            }
            pages.push(timeline.club_memberships(source, &clubs));
        }
        let events = EventTimeline { people: record_index.directory(), options };
        pages.push(events.bookings(&columns::<bookings::Table>(self.bookings.iter().copied())));
        pages.push(events.messages(&columns::<messages::Table>(self.messages.iter().copied())));
        TimelinePages { pages, subjects, joined }
    }

    /// The evidence in the order of its dataset, and apart from it that of known contacts.
    fn evidence(&self, record_index: &RecordIndex) -> SortedEvidence {
        let mut evidence = self.consents.clone();
        evidence.sort_by_key(|row| (row.source_id, row.entity, row.row_id, row.channel));
        let of_unknown = evidence.iter().filter(|row| record_index.record(Source::Messaging, row.source_id).is_none());
        let unknown = of_unknown.filter_map(unknown_withdrawal).collect();
        let known = evidence
            .iter()
            .zip(0..)
            .filter_map(|(row, place)| Some((*row, (record_index.record(Source::Messaging, row.source_id)?, place))));
        let (known, places): (Vec<_>, Vec<_>) = known.unzip();
        let (evidence, known) = (columns::<consents::Table>(evidence), columns::<consents::Table>(known));
        SortedEvidence { evidence, known, places, unknown }
    }

    /// The activities of the log of consent.
    fn consent_log(
        &self,
        timeline: Timeline<'_>,
        record_index: &RecordIndex,
        slice: &Slice,
        evidence: &consents::Columns,
    ) -> [TimelineRows; 2] {
        let mut deciding = Bits::new(self.consents.len());
        for &row in &slice.deciding_rows {
            deciding.set(row as usize);
        }
        let mut deleted = Bits::new(self.people.len());
        for contact in record_index.records_of(Source::Messaging) {
            let (columns, row) = record_index.at(contact);
            if columns.deleted_at(row).is_some() {
                deleted.set(contact.index());
            }
        }
        let mut log = ConsentLog::new(timeline, &deciding, &deleted);
        [log.push(evidence), log.finish()]
    }
}

/// The rows of all suppressions.
fn merged(
    record_index: &RecordIndex,
    identifiers: &Identifiers,
    units: &Units,
    withdrawals: &Withdrawals,
    signals: &Signals,
    earlier: &[EarlierWithdrawal],
    options: &Options,
) -> RecordBatch {
    let runs = [
        suppressions::of_contacts(record_index, identifiers, units, signals, options),
        suppressions::of_dead(record_index, identifiers),
    ];
    let written = |run: &Vec<suppressions::Suppression>| {
        let mut rows = crate::tables::crm::suppressions::Builder::new(run.len());
        run.iter().for_each(|row| rows.push(row.row()));
        std::iter::once(Ok::<_, std::convert::Infallible>(read::<crate::tables::crm::suppressions::Table>(&rows.finish())))
    };
    let mut batches = vec![crate::tables::crm::suppressions::Builder::new(0).finish()];
    let Ok(()) = merge(runs.iter().map(written).collect(), earlier, withdrawals, |batch| {
        batches.push(batch);
        Ok(())
    });
    arrow::compute::concat_batches(&batches[0].schema(), &batches).expect("batches of one schema")
}

fn staged<C>(columns: impl Fn(Source) -> C) -> Vec<(Source, Vec<C>)> {
    Source::ALL.iter().map(|&source| (source, vec![columns(source)])).collect()
}

impl Built {
    /// The only profile.
    pub fn profile(&self) -> customer_profiles::Row<'_> {
        assert_eq!(crate::tables::Columns::len(&self.profiles), 1, "one profile");
        self.profiles.row(0)
    }

    /// The profile with this id.
    pub fn profile_with(&self, id: &str) -> customer_profiles::Row<'_> {
        self.profiles.rows().find(|row| row.id == id).expect("a profile with this id")
    }

    /// Source record and rule of a field.
    pub fn origin(&self, field: &str) -> Option<(Source, &str, &str, i32)> {
        let row = self.provenance.rows().find(|row| row.field == field)?;
        Some((row.source, row.source_id, row.rule, row.lost_count))
    }

    /// Every activity.
    pub fn all_activities(&self) -> Vec<activities::Row<'_>> {
        self.activities.iter().flat_map(|columns| columns.rows()).collect()
    }

    /// The ledger as `entity/id OUTCOME REASON`.
    pub fn outcomes(&self) -> Vec<String> {
        let rows = self.ledger.iter().flat_map(|columns| columns.rows());
        rows.map(|row| format!("{}/{} {} {}", row.entity, row.source_id, row.outcome, row.reason.unwrap_or("-"))).collect()
    }
}
