//! Builds the profiles partition by partition, in two passes: first the consent of all contacts, because a withdrawal applies to
//! everyone who shares the contact point, then the profiles.

use anyhow::Result;

use crate::consolidate::bits::Bits;
use crate::consolidate::consent::bounces::Bounces;
use crate::consolidate::consent::contact_points::Hubs;
use crate::consolidate::consent::earlier::{EarlierWithdrawal, Recorded};
use crate::consolidate::consent::review::ManualReview;
use crate::consolidate::consent::suppressions::{self, Suppression};
use crate::consolidate::consent::units::{Units, UnitsBuilder};
use crate::consolidate::consent::weigh::Consents;
use crate::consolidate::consent::withdrawals::Withdrawals;
use crate::consolidate::profile;
use crate::consolidate::profile::contact_holders::ContactHolders;
use crate::consolidate::profile::fields::Survival;
use crate::consolidate::profile::login_owners::Subjects;
use crate::consolidate::profile::namesakes::Namesakes;
use crate::consolidate::{Departure, Departures, candidates};
use crate::model::{Source, thousands};
use crate::store::{Draft, Spill};
use crate::tables::stage::consents;
use crate::tables::{crm, resolution};

use super::in_order::in_order;
use super::inputs::kept_apart;
use super::output::Examined;
use super::partitions::{BATCH, Partition, Partitions};
use super::work::{Known, ShownRows, Work, WorkContext, contradiction};

type Runs = Spill<crm::suppressions::Table>;

/// What partitions must know of each other's contacts.
pub struct ContactFacts {
    withdrawals: Withdrawals,
    bounces: Bounces,
    /// Suppressions as sorted runs: those of the contacts of each partition, then those of its dead.
    suppressions: Runs,
}

/// What is known before partitions are looked at.
pub struct Before<'a> {
    /// By the timeline.
    pub known: &'a Known,
    /// When loads first recorded undated withdrawals.
    pub recorded: &'a Recorded,
    /// Withdrawals of earlier loads.
    pub earlier: &'a [EarlierWithdrawal],
}

impl<'a> WorkContext<'a> {
    /// The units of consent of a partition, and what was counted on the way.
    fn units(&self, partition: &Partition, before: &Before<'_>) -> Result<(Units, Departures)> {
        let mut builder = UnitsBuilder::new(&partition.record_index, before.recorded, self.options);
        if let Some(consents) = &partition.consents {
            builder.push(consents, &partition.contacts).map_err(|error| contradiction(&error, self.stage))?;
        }
        builder.complaints(before.known.signals.complaints());
        builder.unreadable_flags(&before.known.unreadable_flags);
        Ok(builder.finish())
    }

    /// What the golden records of a partition are chosen from.
    fn survival<'s>(&self, partition: &'s Partition, around: &PeopleAround<'s>, holders: &'s ContactHolders) -> Survival<'s>
    where
        'a: 's,
    {
        let known = around.before.known;
        Survival {
            options: self.options,
            record_index: &partition.record_index,
            identifiers: &partition.identifiers,
            hubs: around.hubs,
            signals: &known.signals,
            bounces: &around.facts.bounces,
            handicaps: &known.handicaps,
            joined: &known.joined,
            subjects: &known.subjects,
            holders,
        }
    }

    /// The profiles of a partition, batch by batch.
    fn build(
        &self,
        partition: &Partition,
        around: &PeopleAround<'_>,
        holders: &ContactHolders,
    ) -> Result<Vec<Examined<'a, profile::Slice>>> {
        let (units, _) = self.units(partition, around.before)?;
        let survival = self.survival(partition, around, holders);
        let Partition { record_index, identifiers, .. } = partition;
        let withdrawals = &around.facts.withdrawals;
        let weighing = Consents { record_index, identifiers, units: &units, withdrawals, options: self.options };
        let range = record_index.range();
        let batches = range.clone().step_by(BATCH as usize).map(|start| {
            let batch = profile::build(&survival, &weighing, start..range.end.min(start + BATCH));
            Examined::slice(batch, self.directory)
        });
        batches.collect()
    }

    /// Who shows emails and phones that several profiles carry.
    fn holders(&self, partitions: &Partitions, around: &PeopleAround<'_>) -> Result<ContactHolders> {
        let mut holders = ContactHolders::new(self.options);
        if holders.is_idle() {
            return Ok(holders);
        }
        let nobody = ContactHolders::default();
        for number in 0..partitions.count() {
            let partition = partitions.whole(number)?;
            let survival = self.survival(&partition, around, &nobody);
            holders.claim(&partition.record_index, |profile, candidates| survival.carried_contacts(profile, candidates));
        }
        if holders.left_to_others() > 0 {
            let count = thousands(i128::from(holders.left_to_others()));
            self.session
                .progress
                .warn(format!("{count} shared emails and phones are shown by one profile only; the others keep them as aliases"));
        }
        Ok(holders)
    }
}

/// What profiles are built with.
struct PeopleAround<'s> {
    before: &'s Before<'s>,
    facts: &'s ContactFacts,
    hubs: &'s Hubs,
}

impl Work<'_> {
    /// What all contacts want, before any profile is built.
    pub fn read_contacts(&mut self, draft: &Draft, before: &Before<'_>, review: &mut ManualReview<'_>) -> Result<ContactFacts> {
        let (context, partitions) = (self.context, &self.partitions);
        let (known, earlier, options) = (before.known, before.earlier, context.options);
        let runs: Runs = draft.spill(2 * partitions.count() as usize)?;
        let (mut withdrawals, mut bounces) = (Withdrawals::none(options), Bounces::default());
        let (mut undated, mut withdrawn, mut departures) = (Vec::new(), Vec::new(), Departures::default());
        let task = context.session.progress.task("consents", Some(u64::from(partitions.count())));
        let told: &ManualReview<'_> = review;
        in_order(
            (0..partitions.count()).map(Ok),
            |number: u32| {
                let partition = partitions.contacts(number)?;
                let (units, departures) = context.units(&partition, before)?;
                let Partition { record_index, identifiers, .. } = &partition;
                push(&runs, number, &suppressions::of_contacts(record_index, identifiers, &units, &known.signals, options))?;
                let of = Withdrawals::of(record_index, identifiers, &units, earlier, options);
                let bounced = Bounces::of(record_index, &known.signals, options);
                Ok((of, bounced, told.withdrawn(&units), units.undated().to_vec(), departures))
            },
            |(of, bounced, positions, keys, counted)| {
                withdrawals.merge(of);
                bounces.merge(bounced);
                withdrawn.extend(positions);
                undated.extend(keys);
                departures.merge(&counted);
                task.advance(1);
                Ok(())
            },
        )?;
        task.finish("");
        withdrawals.settle(earlier);
        bounces.settle();
        undated.sort_unstable();
        undated.dedup();
        self.output.departures.merge(&departures);
        self.output.undated(&undated)?;
        review.note_withdrawn(&withdrawn);
        review.unknown_contacts(known.signals.unknown_complaints().iter().map(|row_id| ("messages", row_id.as_str())));
        Ok(ContactFacts { withdrawals, bounces, suppressions: runs })
    }

    /// Profiles with aliases and consents, suppressions, candidates.
    pub fn people(&mut self, before: &Before<'_>, mut facts: ContactFacts) -> Result<ShownRows> {
        let (context, partitions, output) = (self.context, &self.partitions, &mut self.output);
        let hubs = Hubs::new(&context.resolved.read_all::<resolution::hubs::Table>(None)?);
        let around = PeopleAround { before, facts: &facts, hubs: &hubs };
        let holders = context.holders(partitions, &around)?;
        let has_consents = context.stage.has::<consents::Table>(Some(Source::Messaging));
        let consents = if has_consents { context.stage.rows::<consents::Table>(Some(Source::Messaging))? } else { 0 };
        let mut shown = ShownRows {
            deciding: Bits::new(usize::try_from(consents)?),
            handicaps: Bits::new(context.directory.record_count() as usize),
        };
        let mut namesakes = Namesakes::default();
        let task = context.session.progress.task("profiles", Some(u64::from(context.directory.profile_count())));
        in_order(
            (0..partitions.count()).map(Ok),
            |number: u32| {
                let partition = partitions.whole(number)?;
                let dead = suppressions::of_dead(&partition.record_index, &partition.identifiers);
                push(&around.facts.suppressions, partitions.count() + number, &dead)?;
                context.build(&partition, &around, &holders)
            },
            |batches| {
                for batch in batches {
                    for &row in &batch.rows.deciding_rows {
                        shown.deciding.set(row as usize);
                    }
                    for record in &batch.rows.shown_handicaps {
                        shown.handicaps.set(record.index());
                    }
                    task.advance(batch.rows.profiles.num_rows() as u64);
                    namesakes.merge(output.slice(batch)?);
                }
                Ok(())
            },
        )?;
        task.finish("");
        facts.suppressions.finish()?;
        output.suppressions(&facts.suppressions, 2 * partitions.count() as usize, before.earlier, &facts.withdrawals)?;
        self.candidates(&before.known.subjects, namesakes)?;
        Ok(shown)
    }

    /// Pairs of profiles for clerical review.
    fn candidates(&mut self, subjects: &Subjects, namesakes: Namesakes) -> Result<()> {
        let WorkContext { resolved, directory, .. } = self.context;
        let mut pairs = candidates::CandidatePairs::default();
        for columns in resolved.read::<resolution::candidates::Table>(None)? {
            pairs.filed(directory, &columns?);
        }
        let others = subjects.others();
        let held_elsewhere = i64::try_from(others.len()).expect("counts fit in 63 bits");
        self.output.departures.add(Departure::AuthUserIdHeldElsewhere, held_elsewhere);
        let apart = kept_apart(resolved, directory)?;
        self.output.candidates(candidates::build(directory, pairs, others, &namesakes.pairs(), &apart))
    }
}

/// Adds a sorted run of suppressions.
fn push(runs: &Runs, part: u32, found: &[Suppression]) -> Result<()> {
    found.iter().try_for_each(|row| runs.push(part as usize, 0, row.row()))
}
