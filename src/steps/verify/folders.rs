//! The folders that a verification reads, and their rows as reference data for the CRM session.

use anyhow::Result;

use crate::cli::Session;
use crate::model::{Phase, Source, Timestamp};
use crate::pg::verify::evidence_session::Verifier;
use crate::store::Folder;
use crate::tables::{Builder as _, Table};

/// Rows per batch of reference data.
const BATCH: usize = 16_384;

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

/// Loads the rows that `give` pushes, batch by batch, so that memory does not grow with them; does nothing if no check of the
/// session names the dataset.
pub fn load_rows<T: Table>(
    verifier: &Verifier,
    give: impl FnOnce(&mut dyn for<'a> FnMut(T::Row<'a>)) -> Result<()>,
) -> Result<u64> {
    if !verifier.names(T::STEM) {
        return Ok(0);
    }
    verifier.load::<T>(|send| {
        let mut builder = T::builder(BATCH);
        let mut sent = Ok(());
        give(&mut |row| {
            if sent.is_ok() {
                T::push(&mut builder, row);
                if builder.len() >= BATCH {
                    sent = send(builder.finish());
                }
            }
        })?;
        sent?;
        send(builder.finish())
    })
}
