//! What is different from the run before.

use serde::Serialize;

/// A segment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportSegment {
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant: String,
    /// Members by rule.
    pub members: i64,
    /// Members by rule in the run before.
    pub before: Option<i64>,
    /// Why it could not be refreshed.
    pub error: Option<String>,
    /// A doubt about the rule that did not stop it.
    pub doubt: Option<String>,
}

/// A segment that is not refreshed: its members stay as they are in the CRM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftSegment {
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant: String,
    /// Why it is not refreshed.
    pub why: String,
}

/// A number now and in the run before.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReportChange {
    /// What.
    pub name: String,
    /// In the run before; null when there was none.
    pub before: Option<i64>,
    /// Now.
    pub now: i64,
}

/// Records or profiles that changed since the run before.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChangedIds {
    /// What happened to them.
    pub what: String,
    /// How many there are.
    pub count: i64,
    /// The first of them: id and what it was and is.
    pub shown: Vec<ChangedId>,
}

/// A record or profile that changed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChangedId {
    /// `source:entity:id`, or the id of a profile.
    pub id: String,
    /// The profile before; null if there was none.
    pub before: Option<String>,
    /// The profiles now, or what happened.
    pub now: Option<String>,
}
