//! Every path of a data folder.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::{Code, Source, Timestamp};
use crate::store::io_fault;

/// A data folder.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
    exports: PathBuf,
}

impl Layout {
    /// The folder, `data` unless `DATA_DIR` says otherwise.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { exports: root.join("exports"), root }
    }

    /// The layout of a scratch folder that reads the exports of this one.
    pub(super) fn beside(&self, root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), exports: self.exports.clone() }
    }

    /// `data`
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `data/exports`
    pub fn exports_root(&self) -> &Path {
        &self.exports
    }

    /// `data/exports/scl`
    pub fn exports(&self, source: Source) -> PathBuf {
        self.exports.join(source.code())
    }

    /// `data/exports/crm`
    pub fn exports_crm(&self) -> PathBuf {
        self.exports.join("crm")
    }

    /// `data/stage`
    pub fn stage(&self) -> PathBuf {
        self.root.join("stage")
    }

    /// `data/resolve`
    pub fn resolve(&self) -> PathBuf {
        self.root.join("resolve")
    }

    /// `data/resolve-strategy`: the strategy's literal rule, for comparison only.
    pub fn resolve_strategy(&self) -> PathBuf {
        self.root.join("resolve-strategy")
    }

    /// `data/crm`
    pub fn crm(&self) -> PathBuf {
        self.root.join("crm")
    }

    /// `data/score`
    pub fn score(&self) -> PathBuf {
        self.root.join("score")
    }

    /// `data/verify`
    pub fn verify(&self) -> PathBuf {
        self.root.join("verify")
    }

    /// `data/report`
    pub fn report(&self) -> PathBuf {
        self.root.join("report")
    }

    /// `data/rejects`: rejected rows with their original values, for correction.
    pub fn rejects(&self) -> PathBuf {
        self.root.join("rejects")
    }

    /// `data/audit`: samples for review, with personal values if they were asked for, and the verdicts that were read last.
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit")
    }

    /// `data/audit/verdicts.csv`: the judged sample that `audit` read last.
    pub fn verdicts(&self) -> PathBuf {
        self.audit().join("verdicts.csv")
    }

    /// `data/runs`: one JSON record per run, with clock and host.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// `data/previous/stage`: what a folder held before its last exchange.
    pub fn previous(&self, name: &str) -> PathBuf {
        self.root.join("previous").join(name)
    }

    /// `data/failed`: datasets of a run that was rolled back.
    pub fn failed(&self) -> PathBuf {
        self.root.join("failed")
    }

    /// `data/backup`: segments and notes saved before an emergency rollback.
    pub fn backup(&self) -> PathBuf {
        self.root.join("backup")
    }

    /// `data/.lock`: held by the command that writes.
    pub fn lock(&self) -> PathBuf {
        self.root.join(".lock")
    }

    /// `data/.as_of`: the instant the first export fixed.
    pub fn as_of(&self) -> PathBuf {
        self.root.join(".as_of")
    }

    /// The as-of time of the exports in this folder; `None` before the first export.
    pub fn fixed_as_of(&self) -> Result<Option<Timestamp>> {
        let path = self.as_of();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_fault("read", &path, &error).into()),
        };
        let as_of = Timestamp::parse(text.trim()).ok_or_else(|| {
            Fault::new(Exit::Input, "the file does not contain an instant")
                .at(path.display().to_string())
                .help("renew all exports: make export")
        })?;
        Ok(Some(as_of))
    }

    /// `data/.demo`: marks the demo's folder.
    pub fn demo_marker(&self) -> PathBuf {
        self.root.join(".demo")
    }

    /// The size of the demo's population, if the folder is a demo; 1 is the size of the strategy's estimates.
    pub fn demo_scale(&self) -> Result<Option<f64>> {
        let Some(text) = crate::store::read_text(&self.demo_marker())? else { return Ok(None) };
        let marker = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
        Ok(marker.get("scale").and_then(serde_json::Value::as_f64))
    }

    /// `data/views.sql`: the datasets as DuckDB views with comments.
    pub fn views(&self) -> PathBuf {
        self.root.join("views.sql")
    }

    /// `data/checklist.json`: lines of the checklist that were closed by hand.
    pub fn checklist(&self) -> PathBuf {
        self.root.join("checklist.json")
    }
}
