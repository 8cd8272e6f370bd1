//! What a load did, or would do.

use crate::pg::load::diff::Counts;

/// How the datasets get into the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadMode {
    /// The CRM is empty: rows are copied directly into its tables.
    FirstLoad,
    /// The CRM holds rows: the diff is applied to ours.
    ApplyDiff,
}

impl LoadMode {
    /// The mode in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::FirstLoad => "first load into an empty CRM",
            Self::ApplyDiff => "apply the diff to what was loaded before",
        }
    }
}

/// The effect of a load or dry run.
#[derive(Debug)]
pub struct Report {
    /// How.
    pub mode: LoadMode,
    /// Rows by table.
    pub counts: Counts,
    /// Profiles kept as MERGED that were changed.
    pub merged: u64,
    /// Segments whose count, time or error changed.
    pub segments: u64,
    /// Rule memberships of other origin that were replaced.
    pub replaced_members: u64,
    /// Withdrawals that were recorded.
    pub withdrawals: u64,
    /// Flags that stay false because of a withdrawal.
    pub flags_lowered: u64,
    /// Pairs for the review queue whose other profile is not ours.
    pub foreign_pairs: u64,
    /// Rows that others deleted since the last load.
    pub deleted_by_others: u64,
    /// Rows deleted by others that were loaded again.
    pub restored: u64,
    /// Rows changed by others to which a withdrawal since the last load applies.
    pub new_withdrawals: u64,
    /// Rows that stay as others changed them, by reason.
    pub left: Vec<(String, u64)>,
    /// Indexes and keys recreated after the rows; 0 if they were maintained row by row.
    pub rebuilt: usize,
    /// Notes for the operator.
    pub notes: Vec<String>,
    /// Whether rows of the CRM were written.
    pub changed: bool,
    /// Whether only the loader's own records changed: another phase, other kept rows.
    pub noted: bool,
}

impl Report {
    /// Nothing done yet.
    pub fn new(mode: LoadMode, notes: Vec<String>) -> Self {
        Self {
            mode,
            counts: Counts::new(),
            merged: 0,
            segments: 0,
            replaced_members: 0,
            withdrawals: 0,
            flags_lowered: 0,
            foreign_pairs: 0,
            deleted_by_others: 0,
            restored: 0,
            new_withdrawals: 0,
            left: Vec::new(),
            rebuilt: 0,
            notes,
            changed: false,
            noted: false,
        }
    }
}
