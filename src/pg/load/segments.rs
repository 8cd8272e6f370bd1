//! Segments: refreshed members and counts, and their state before our first load, which is kept for rollback.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::counted;
use crate::pg::load::session::Crm;

/// The definition of a segment as `export-crm` saved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSegment {
    /// The segment.
    pub id: String,
    /// Name, criteria, combinator, club, whether it is active, when it was deleted, as text of the CRM.
    pub definition: Vec<Option<String>>,
}

/// Fails if the definition of a DYNAMIC segment changed since it was exported, because its members were computed with the old one.
pub fn refuse_changed(crm: &Crm, saved: &[SavedSegment]) -> Result<()> {
    crm.doing("comparing segment definitions");
    let rows = crm.query(include_str!("../../../sql/crm/segment_definitions.sql"), &[])?;
    let current: std::collections::BTreeMap<String, Vec<Option<String>>> =
        rows.iter().map(|row| (row.get(0), (1..row.len()).map(|column| row.get(column)).collect())).collect();
    let changed = saved.iter().filter(|segment| current.get(&segment.id) != Some(&segment.definition)).count();
    if changed == 0 {
        return Ok(());
    }
    Err(Fault::new(Exit::Preflight, format!("{} changed since the export of the CRM", counted(changed as u64, "segment")))
        .at(crm.place())
        .help("make export-crm score, then load again")
        .into())
}

/// Creates the requested starter segments that do not exist yet; returns how many.
pub fn create_new(crm: &Crm) -> Result<u64> {
    crm.doing("creating starter segments");
    crm.execute(include_str!("../../../sql/crm/create_segments.sql"), &[])
}

/// Finds rule memberships of other origin in refreshed segments; the refreshed ones replace them.
pub fn find_replaced(crm: &Crm) -> Result<()> {
    crm.doing("finding members by rule");
    crm.run(include_str!("../../../sql/crm/find_replaced_members.sql"))
}

/// Deletes the replaced memberships and saves them for rollback; returns how many.
pub fn replace_members(crm: &Crm, run_id: &str) -> Result<u64> {
    crm.doing("replacing members by rule");
    crm.execute(include_str!("../../../sql/crm/image_replaced_members.sql"), &[&run_id])?;
    crm.execute(include_str!("../../../sql/crm/delete_replaced_members.sql"), &[])
}

/// Writes changed counts, times and errors of refreshes, and saves their first state for rollback; returns how many changed. A trial
/// takes place before the members are loaded, and writes the counts that they will have.
pub fn update_refreshed(crm: &Crm, run_id: &str, is_trial: bool) -> Result<u64> {
    crm.doing("updating refreshed segments");
    crm.execute(include_str!("../../../sql/crm/image_segments.sql"), &[&run_id])?;
    crm.execute(include_str!("../../../sql/crm/update_segments.sql"), &[&is_trial])
}

/// Restores segments and members as they were before our first load; returns how many of each.
pub fn restore(crm: &Crm) -> Result<(u64, u64)> {
    crm.doing("restoring segments");
    let segments = crm.execute(include_str!("../../../sql/crm/restore_segments.sql"), &[])?;
    let members = crm.execute(include_str!("../../../sql/crm/restore_members.sql"), &[])?;
    crm.run("delete from backfill.before where table_name in ('CustomerSegment', 'CustomerSegmentMembership')")?;
    Ok((segments, members))
}
