//! What the caller asks of a load: the datasets, and what the operator confirmed.

use crate::model::{Phase, Timestamp};
use crate::pg::load::rows::Datasets;
use crate::pg::load::run_log::ExportMark;
use crate::pg::load::segments::SavedSegment;

/// The input of a load.
pub struct Input<'a> {
    /// The run's name.
    pub run_id: &'a str,
    /// The phase of the datasets.
    pub phase: Phase,
    /// Point in time the run is evaluated at.
    pub as_of: Timestamp,
    /// Hash of everything that is loaded.
    pub inputs: &'a str,
    /// The exports that the datasets were made from.
    pub exports: &'a [ExportMark],
    /// Ids of profiles that stem from an earlier load of this CRM.
    pub kept_ids: &'a [String],
    /// Profiles of ours that were merged into others of ours when the CRM was exported; the datasets heed these merges.
    pub merges: &'a [String],
    /// DYNAMIC segments of the CRM export; `None` if the CRM was never exported.
    pub segments: Option<&'a [SavedSegment]>,
    /// Rows deleted by others that are loaded again, by row id or record key; all of them if the list is empty.
    pub restore: Option<&'a [String]>,
    /// The rows.
    pub data: &'a (dyn Datasets + Sync),
}

/// Confirmations of the operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// There are no concurrent writers: consumers are stopped.
    pub consumers_stopped: bool,
    /// Foreign profiles may exist next to ours.
    pub beside_existing: bool,
    /// A lower phase than the last may be loaded.
    pub lower_phase: bool,
    /// Warnings count as errors.
    pub strict: bool,
    /// Readers are never blocked: the indexes of tables that are filled are maintained row by row instead of recreated.
    pub keep_indexes: bool,
    /// More than a fifth of our rows may be deleted by others.
    pub accept_deleted: bool,
}
