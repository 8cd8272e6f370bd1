//! Where the report comes from: settings, runs, manifests, and the statements that reproduce its numbers.

use serde::Serialize;

/// Where a report comes from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportOrigin {
    /// The CRM of the last verification: role, host and database; null before the first one.
    pub crm: Option<String>,
    /// When the last load began (UTC); null before the first one.
    pub loaded_at: Option<String>,
    /// When the last verification that passed began (UTC).
    pub verified_at: Option<String>,
    /// Version of the program.
    pub version: String,
    /// Tenants of a pilot, whose profiles are the only ones; empty without a pilot.
    pub pilot: Vec<String>,
    /// Settings that differ from the defaults.
    pub settings: Vec<ChangedSetting>,
}

/// A setting that differs from its default.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChangedSetting {
    /// Its path, `consent.flag_false`.
    pub name: String,
    /// Its value; a dash if it is not set.
    pub value: String,
    /// The default.
    pub default: String,
}

/// A step of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportStep {
    /// The step.
    pub step: String,
    /// Milliseconds after the first step shown.
    pub start_ms: i64,
    /// Milliseconds.
    pub taken_ms: i64,
    /// Peak memory in MiB.
    pub peak_mib: i64,
    /// Exit code.
    pub exit: i64,
}

/// A folder that the numbers come from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportManifest {
    /// The folder below the data folder.
    pub folder: String,
    /// Datasets in it.
    pub files: i64,
    /// Rows.
    pub rows: i64,
    /// Bytes.
    pub bytes: i64,
    /// Content hash of the manifest.
    pub hash: String,
}

/// A number and the statement that reproduces it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportQuery {
    /// Its name in links.
    pub key: String,
    /// The meaning of the count.
    pub name: String,
    /// DuckDB SQL over the data folder.
    pub sql: String,
}
