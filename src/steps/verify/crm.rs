//! Checks that need only the CRM and the datasets: compared rows, and the records of loads.

use anyhow::Result;

use crate::cli::Session;
use crate::config::ActivityScope;
use crate::dsn::Dsn;
use crate::model::{Code, MissingComponent, Source};
use crate::pg::load::rows::{Batches, Datasets};
use crate::pg::load::run_log::ExportMark;
use crate::pg::verify::checks::CHECKS;
use crate::pg::verify::load_log::{Expected, LoggedSuppression, LoggedWithdrawals};
use crate::pg::verify::look::{Asked, CrmAnswers, look};
use crate::segment::Refresh;
use crate::sources;
use crate::steps::load::hash_of;
use crate::steps::verify::folders::Folders;
use crate::steps::verify::segments;
use crate::store::Folder;
use crate::tables::crm::{suppressions, undated_withdrawals};

impl Folders {
    fn folder(&self, stem: &str) -> Option<&Folder> {
        let name = format!("{stem}.parquet");
        [&self.crm, &self.score].into_iter().find(|folder| folder.manifest.files.contains_key(&name))
    }

    /// The exports that the datasets were made from.
    fn marks(&self) -> Vec<ExportMark> {
        let mark = |(source, folder): &(Source, Folder)| ExportMark {
            source: *source,
            manifest: folder.manifest.content_hash(),
            watermark: folder.manifest.facts.get("watermark").cloned(),
            as_of: folder.manifest.as_of.clone(),
        };
        self.exports.iter().map(mark).collect()
    }

    fn withdrawals(&self) -> Result<LoggedWithdrawals> {
        let mut withdrawals = LoggedWithdrawals::default();
        for columns in self.crm.read::<suppressions::Table>(None)? {
            for row in columns?.rows() {
                let key = [row.tenant_id, Code::code(row.channel), row.address, row.scope];
                let (reason, revoked_at, lifted_after) = (row.reason, row.revoked_at, row.lifted_after);
                withdrawals.add(LoggedSuppression { key, reason, revoked_at, lifted_after }, true);
            }
        }
        for columns in self.crm.read::<undated_withdrawals::Table>(None)? {
            columns?.rows().for_each(|row| withdrawals.add_undated(row.evidence_key, None));
        }
        let Some(folder) = &self.exports_crm else { return Ok(withdrawals) };
        for columns in folder.read::<sources::crm::withdrawals::Table>(None)? {
            for row in columns?.rows() {
                let key = [row.tenant_id, row.channel, row.address, row.scope];
                let (reason, revoked_at, lifted_after) = (row.reason, row.revoked_at, row.lifted_after);
                withdrawals.add(LoggedSuppression { key, reason, revoked_at, lifted_after }, false);
            }
        }
        if folder.has::<sources::crm::undated_withdrawals::Table>(None) {
            for columns in folder.read::<sources::crm::undated_withdrawals::Table>(None)? {
                columns?.rows().for_each(|row| withdrawals.add_undated(row.evidence_key, Some(row.recorded_at)));
            }
        }
        Ok(withdrawals)
    }
}

impl Datasets for Folders {
    fn rows(&self, stem: &str) -> Option<u64> {
        self.folder(stem).and_then(|folder| folder.manifest.files.get(&format!("{stem}.parquet"))).map(|entry| entry.rows)
    }

    fn content_hash(&self, stem: &str) -> Option<&str> {
        self.folder(stem)
            .and_then(|folder| folder.manifest.files.get(&format!("{stem}.parquet")))
            .map(|entry| entry.blake3.as_str())
    }

    fn batches(&self, stem: &str) -> Result<Batches<'_>> {
        let folder = self.folder(stem).unwrap_or(&self.crm);
        Ok(Box::new(folder.read_stem(stem)?))
    }
}

/// Runs the checks that need no reference data.
pub fn ask(session: &Session, folders: &Folders, crm: &Dsn) -> Result<CrmAnswers> {
    let (marks, inputs) = (folders.marks(), hash_of(&folders.crm, &folders.score));
    let definitions = segments::definitions(folders)?;
    let refreshed = segments::refreshed(folders)?;
    let refresh = Refresh::new(definitions, folders.as_of, |tenant| crate::steps::score::zone(session, tenant), 0);
    let of_others: Vec<String> = refreshed.iter().filter(|segment| !segment.is_new).map(|segment| segment.id.clone()).collect();
    let asked = Asked {
        data: folders,
        phase: folders.phase,
        expected: Expected {
            phase: i32::from(folders.phase.number()),
            as_of: folders.as_of,
            inputs: &inputs,
            exports: &marks,
            refreshed: &of_others,
        },
        withdrawals: folders.withdrawals()?,
        refreshed: &refreshed,
        questions: &refresh.questions(),
        is_engaged_only: session.config.scores.activity_scope == ActivityScope::Engaged,
        is_renormalised: session.config.scores.missing == MissingComponent::Renormalise,
    };
    let task = session.progress.task("the CRM", Some(CHECKS.len() as u64)).counted_in("tables and checks");
    let found = look(crm, &asked, &|| task.advance(1))?;
    task.finish("");
    if let Some(note) = &found.note {
        session.progress.warn(note);
    }
    Ok(found)
}
