//! The folders that a verification reads, and the checks that need nothing else.

use anyhow::Result;

use crate::cli::Session;
use crate::model::{Code as _, Phase, Source, Timestamp};
use crate::pg::verify::checks::{CHECKS, CheckFinding};
use crate::pg::verify::look::Answered;
use crate::sources;
use crate::store::Folder;
use crate::tables::check;

/// The folders of one run, with one phase and as-of time.
pub struct Folders {
    /// Exports of the sources in scope.
    pub exports: Vec<(Source, Folder)>,
    /// `data/exports/crm`
    pub exports_crm: Option<Folder>,
    /// `data/stage`
    pub stage: Folder,
    /// `data/resolve`
    pub resolve: Folder,
    /// `data/crm`
    pub crm: Folder,
    /// `data/score`
    pub score: Folder,
    /// Their phase.
    pub phase: Phase,
    /// Their instant.
    pub as_of: Timestamp,
}

impl Folders {
    /// Opens them.
    pub fn open(session: &Session) -> Result<Self> {
        let layout = &session.layout;
        let crm = Folder::open(&layout.crm())?;
        let phase = session.check_phase(crm.manifest.phase, crm.path())?;
        let as_of = session.check_as_of(&crm.manifest.as_of, crm.path())?;
        Ok(Self {
            exports: phase.sources().map(|source| Ok((source, Folder::open(&layout.exports(source))?))).collect::<Result<_>>()?,
            exports_crm: Folder::find(&layout.exports_crm())?,
            stage: Folder::open(&layout.stage())?,
            resolve: Folder::open(&layout.resolve())?,
            score: Folder::open(&layout.score())?,
            crm,
            phase,
            as_of,
        })
    }
}

impl Folders {
    /// Exported entities with their rows and the strategy's estimates.
    pub fn entities(&self, session: &Session) -> Vec<(Source, &'static str, i64, Option<i64>)> {
        let mut entities = Vec::new();
        for (source, folder) in &self.exports {
            for export in sources::exports(*source) {
                let name = format!("raw_{source}__{}.parquet", export.entity);
                let rows = folder.manifest.files.get(&name).map_or(0, |entry| entry.rows);
                let estimate = session.config.expect.get(source.code()).and_then(|expected| expected.get(export.entity));
                let whole = |rows: u64| i64::try_from(rows).expect("counts fit in 63 bits");
                // Lines of a CSV dump that are not records have an outcome, too.
                let unread = folder.manifest.count(&format!("{}.rejected_rows", export.entity));
                entities.push((*source, export.entity, whole(rows) + unread, estimate.copied().map(whole)));
            }
        }
        entities
    }

    /// Compares exported rows with the strategy's estimates; more than 25 % off needs manual review.
    pub fn estimates(&self, session: &Session) -> Answered {
        let estimated = self.entities(session).into_iter().filter_map(|(source, entity, rows, estimate)| {
            let estimate = estimate?;
            let within = format!("within 25 % of {estimate}");
            let is_near = (rows - estimate).abs() * 4 <= estimate;
            let observed = if is_near { within.clone() } else { format!("{rows} rows") };
            Some(CheckFinding {
                item: format!("{source}.{entity}"),
                examined: rows,
                expected: within,
                observed,
                examples: Vec::new(),
            })
        });
        Answered { check: "export_estimates", findings: estimated.collect(), taken: std::time::Duration::ZERO }
    }

    /// The proofs of the datasets from the step that wrote them.
    pub fn proofs(&self) -> Result<Vec<Answered>> {
        let mut answered: Vec<Answered> = Vec::new();
        for columns in self.crm.read::<check::proofs::Table>(None)? {
            for row in columns?.rows() {
                let Some(check) = CHECKS.iter().find(|known| known.name == row.check) else { continue };
                let finding = CheckFinding {
                    item: row.item.to_owned(),
                    examined: row.examined,
                    expected: row.expected.to_owned(),
                    observed: row.observed.to_owned(),
                    examples: row.examples.iter().map(str::to_owned).collect(),
                };
                answered.push(Answered { check: check.name, findings: vec![finding], taken: std::time::Duration::ZERO });
            }
        }
        Ok(answered)
    }
}
