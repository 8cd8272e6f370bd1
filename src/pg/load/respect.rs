//! Finds manual changes in the CRM since the last load, before the diff is computed: deleted rows stay deleted, merged profiles
//! stay merged, changed rows stay changed.

use anyhow::Result;

use crate::model::{Phase, counted};
use crate::pg::load::catalog::Catalog;
use crate::pg::load::delta::{LoadMemory, Selected, TableDelta};
use crate::pg::load::preflight::Preflight;
use crate::pg::load::session::Crm;
use crate::pg::load::target::{Loaded, table};
use crate::pg::load::{Allowed, Input, Report, merges, protect, tombstones};

/// Removes the affected rows from staging, or marks them as kept.
pub(super) fn respect(
    crm: &Crm,
    catalog: &Catalog,
    preflight: &Preflight,
    input: &Input<'_>,
    allowed: Allowed,
    deltas: &[TableDelta],
    report: &mut Report,
) -> Result<()> {
    let memory: Vec<(&'static Loaded, &LoadMemory)> = deltas.iter().map(|delta| (delta.loaded, &delta.memory)).collect();
    let restores_all = input.restore.is_some_and(<[String]>::is_empty);
    let accepted = allowed.accept_deleted || restores_all;
    report.deleted_by_others = tombstones::notice(crm, input.run_id, Some(input.as_of), accepted, &memory)?;
    let forgotten = tombstones::forget_present(crm)?;
    if let Some(ids) = input.restore {
        report.restored = tombstones::restore(crm, ids)?;
    }
    let is_untouched: bool = crm.one(include_str!("../../../sql/crm/is_untouched.sql"), &[])?.get(0);
    let is_equal = |delta: &TableDelta| delta.selected == Selected::None && delta.extra.is_empty() && !delta.is_whole;
    let has_records = deltas.iter().any(|delta| delta.loaded.table == table::ALIAS && !is_equal(delta));
    crm.run(match is_untouched && !has_records {
        // The recorded ids are right, and no statement needs them.
        true => include_str!("../../../sql/crm/no_records.sql"),
        false => include_str!("../../../sql/crm/stage_records.sql"),
    })?;
    let decided = if is_untouched { 0 } else { merges::remember(crm, input.run_id)? };
    report.noted |= report.deleted_by_others + forgotten + report.restored + decided > 0;
    protect::keep_changed(crm, &memory)?;
    if is_untouched {
        crm.run(include_str!("../../../sql/crm/no_merges.sql"))?;
    } else {
        merges::find(crm, input.merges)?;
    }
    let redirected = merges::follow(crm, catalog, preflight)?;
    let mixed = tombstones::withhold(crm, preflight)?;
    for (count, what) in [
        (redirected, "merged in the CRM since its export"),
        (mixed, "left as is: a record belongs to a profile that was deleted or merged in the CRM since its export"),
    ] {
        if count > 0 {
            report.notes.push(format!(
                "{} {what}; to resolve the records again: make export-crm, then stage to load",
                counted(count, "profile")
            ));
        }
    }
    if input.phase >= Phase::SCORES {
        protect::leave_out_of_segments(crm, catalog, preflight)?;
    }
    report.new_withdrawals = protect::accept_new_withdrawals(crm, preflight)?;
    Ok(())
}

/// Records deletions and merges, so that they survive a rollback and later loads respect them.
pub(super) fn remember(crm: &Crm, run_id: &str, memory: &[(&'static Loaded, &LoadMemory)]) -> Result<()> {
    tombstones::notice(crm, run_id, None, true, memory)?;
    merges::remember(crm, run_id)?;
    Ok(())
}
