//! The output of consolidation: every batch is checked, counted and written in one place.

use std::path::Path;

use anyhow::Result;
use arrow::array::RecordBatch;

use crate::consolidate::accounting::ledger::Tally;
use crate::consolidate::accounting::proofs::{Proof, Proofs};
use crate::consolidate::consent::earlier::EarlierWithdrawal;
use crate::consolidate::consent::merge::merge;
use crate::consolidate::consent::withdrawals::Withdrawals;
use crate::consolidate::profile::Slice;
use crate::consolidate::profile::namesakes::Namesakes;
use crate::consolidate::timeline::TimelineRows;
use crate::consolidate::{Departures, Directory};
use crate::store::{Draft, HashRuns, Spill, TableWriter};
use crate::tables::crm::{
    activities, campaign_interactions, customer_profiles, duplicate_candidates, field_provenance, identity_aliases,
    marketing_consents, suppressions, undated_withdrawals,
};
use crate::tables::{Table, check};

/// The datasets of `data/crm` while they are written.
pub struct CrmOutput<'a> {
    draft: &'a Draft,
    proofs: Proofs<'a>,
    tally: Tally,
    /// Counted deviations from the strategy's code.
    pub departures: Departures,
    profiles: TableWriter<customer_profiles::Table>,
    provenance: TableWriter<field_provenance::Table>,
    aliases: TableWriter<identity_aliases::Table>,
    consents: TableWriter<marketing_consents::Table>,
    activities: TableWriter<activities::Table>,
    interactions: TableWriter<campaign_interactions::Table>,
    ledger: TableWriter<check::ledger::Table>,
    /// The keys of activities and of interactions, which must not come twice.
    keys: [HashRuns; 2],
}

/// The totals over all rows.
pub struct OutputAccount {
    /// Rows that violate a constraint of the target, by constraint.
    pub broken: Vec<(Proof, u64)>,
    /// The outcomes of all exported rows.
    pub tally: Tally,
    /// Counted deviations from the strategy's code.
    pub departures: Departures,
}

/// Rows with the results of their checks, which may run on any thread.
pub struct Examined<'a, R> {
    /// The rows.
    pub rows: R,
    proofs: Proofs<'a>,
    keys: [(Proof, Vec<u64>); 2],
    tally: Tally,
}

impl<'a> Examined<'a, TimelineRows> {
    /// Checks and counts a batch of the timeline.
    pub fn page(page: TimelineRows, directory: &'a Directory) -> Result<Self> {
        let (mut proofs, mut tally) = (Proofs::new(directory), Tally::default());
        proofs.activities(&page.activities, &activities::Table::columns(&page.activities)?);
        proofs.interactions(&page.interactions, &campaign_interactions::Table::columns(&page.interactions)?);
        tally.count(&check::ledger::Table::columns(&page.ledger)?);
        let keys = proofs.hand_over();
        Ok(Self { rows: page, proofs, keys, tally })
    }
}

impl<'a> Examined<'a, Slice> {
    /// Checks a batch of profiles.
    pub fn slice(slice: Slice, directory: &'a Directory) -> Result<Self> {
        let mut proofs = Proofs::new(directory);
        proofs.profiles(&slice.profiles, &customer_profiles::Table::columns(&slice.profiles)?);
        proofs.aliases(&slice.aliases, &identity_aliases::Table::columns(&slice.aliases)?);
        proofs.consents(&slice.consents, &marketing_consents::Table::columns(&slice.consents)?);
        proofs.settle_batch();
        let keys = proofs.hand_over();
        Ok(Self { rows: slice, proofs, keys, tally: Tally::default() })
    }
}

impl<'a> CrmOutput<'a> {
    /// Opens all files.
    pub fn new(draft: &'a Draft, directory: &'a Directory) -> Result<Self> {
        Ok(Self {
            draft,
            proofs: Proofs::new(directory),
            tally: Tally::default(),
            departures: Departures::default(),
            profiles: draft.writer(None)?,
            provenance: draft.writer(None)?,
            aliases: draft.writer(None)?,
            consents: draft.writer(None)?,
            activities: draft.writer(None)?,
            interactions: draft.writer(None)?,
            ledger: draft.writer(None)?,
            keys: [draft.hash_runs()?, draft.hash_runs()?],
        })
    }

    /// The folder of the files while they are written.
    pub fn scratch(&self) -> &'a Path {
        self.draft.path()
    }

    /// Writes a batch of the timeline.
    pub fn page(&mut self, page: Examined<'a, TimelineRows>) -> Result<()> {
        let Examined { rows: page, proofs, keys, tally } = page;
        for (runs, (_, keys)) in self.keys.iter_mut().zip(&keys) {
            runs.extend(keys)?;
        }
        self.departures.merge(&page.departures);
        self.proofs.merge(proofs);
        self.tally.merge(tally);
        if page.activities.num_rows() > 0 {
            self.activities.write(page.activities)?;
        }
        if page.interactions.num_rows() > 0 {
            self.interactions.write(page.interactions)?;
        }
        if page.ledger.num_rows() > 0 {
            self.ledger.write(page.ledger)?;
        }
        Ok(())
    }

    /// Writes a batch of profiles; returns its namesakes.
    pub fn slice(&mut self, slice: Examined<'a, Slice>) -> Result<Namesakes> {
        let Examined { rows: slice, proofs, .. } = slice;
        self.departures.merge(&slice.departures);
        self.proofs.merge(proofs);
        self.profiles.write(slice.profiles)?;
        self.provenance.write(slice.provenance)?;
        self.aliases.write(slice.aliases)?;
        self.consents.write(slice.consents)?;
        Ok(slice.namesakes)
    }

    /// All suppressions, from the sorted runs of the partitions.
    pub fn suppressions(
        &mut self,
        runs: &Spill<suppressions::Table>,
        parts: usize,
        earlier: &[EarlierWithdrawal],
        withdrawals: &Withdrawals,
    ) -> Result<()> {
        let mut writer = self.draft.writer::<suppressions::Table>(None)?;
        merge((0..parts).map(|part| runs.chunks(part)).collect(), earlier, withdrawals, |batch| writer.write(batch))?;
        self.draft.close(None, writer).map(drop)
    }

    /// Writes the evidence keys of withdrawals without a date.
    pub fn undated(&mut self, keys: &[String]) -> Result<()> {
        let mut rows = undated_withdrawals::Builder::new(keys.len());
        keys.iter().for_each(|evidence_key| rows.push(undated_withdrawals::Row { evidence_key }));
        let batch = crate::tables::Builder::finish(&mut rows);
        self.draft.write::<undated_withdrawals::Table>(None, [batch]).map(drop)
    }

    /// Writes the rows for manual review; returns how many.
    pub fn manual_review(&mut self, batch: RecordBatch) -> Result<i64> {
        let rows = i64::try_from(batch.num_rows())?;
        self.draft.write::<check::manual_review::Table>(None, [batch])?;
        Ok(rows)
    }

    /// Writes all duplicate candidates.
    pub fn candidates(&mut self, batch: RecordBatch) -> Result<()> {
        self.proofs.candidates(&batch, &duplicate_candidates::Table::columns(&batch)?);
        self.draft.write::<duplicate_candidates::Table>(None, [batch]).map(drop)
    }

    /// Writes lines of the ledger that belong to no other dataset.
    pub fn ledger_rows(&mut self, rows: &[check::ledger::Row<'_>]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut builder = check::ledger::Builder::new(rows.len());
        for &row in rows {
            builder.push(row);
        }
        let batch = crate::tables::Builder::finish(&mut builder);
        self.tally.count(&check::ledger::Table::columns(&batch)?);
        self.ledger.write(batch)
    }

    /// Closes all files.
    pub fn finish(mut self, draft: &Draft) -> Result<OutputAccount> {
        for (runs, proof) in self.keys.into_iter().zip([Proof::Activity, Proof::Interaction]) {
            self.proofs.note_repeated(proof, runs.repeated()?);
        }
        draft.close(None, self.profiles)?;
        draft.close(None, self.provenance)?;
        draft.close(None, self.aliases)?;
        draft.close(None, self.consents)?;
        draft.close(None, self.activities)?;
        draft.close(None, self.interactions)?;
        draft.close(None, self.ledger)?;
        let mut departures = draft.writer::<check::departures::Table>(None)?;
        for row in self.departures.rows() {
            departures.push(row)?;
        }
        draft.close(None, departures)?;
        Ok(OutputAccount { broken: self.proofs.finish(), tally: self.tally, departures: self.departures })
    }
}
