//! Tombstones of our rows that others deleted. They are detected by the records of earlier loads, then withheld, and loaded again
//! only when they are restored.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::Timestamp;
use crate::pg::load::delta::LoadMemory;
use crate::pg::load::preflight::Preflight;
use crate::pg::load::rebuild_indexes::BULK;
use crate::pg::load::session::Crm;
use crate::pg::load::staging::pull;
use crate::pg::load::target::{FLAGS, LOADED, Loaded, ours, table};
use crate::pg::quote_identifier as quoted;

/// A load fails if more than one in this many of our rows is gone.
const TOO_MANY: u64 = 5;

/// Reason: the activities of a profile in the CRM are not those of the datasets. Its metrics and scores stay as the CRM has them.
pub const OTHER_TIMELINE: &str = "OTHER_TIMELINE";
/// Reason: the withdrawals of a profile in the CRM are not those of the datasets, of which its churn risk counts the recent ones.
pub const OTHER_CONSENTS: &str = "OTHER_CONSENTS";

/// Tables whose rows belong to one profile by `customerId`.
pub(super) const CHILDREN: [&str; 5] = [table::ALIAS, table::CONSENT, table::ACTIVITY, table::INTERACTION, table::MEMBERSHIP];

/// Tables for whose rows only the ids are recorded.
fn children() -> impl Iterator<Item = &'static Loaded> {
    LOADED.iter().filter(|loaded| loaded.stays_deleted() && !loaded.remembered)
}

/// Records our rows that have no record yet, such as those of an older version, so that their deletion is detected from now on.
pub fn adopt(crm: &Crm) -> Result<()> {
    let unknown = crm.one(include_str!("../../../sql/crm/is_unknown.sql"), &[])?;
    if unknown.get("lacks_words") {
        crm.run(include_str!("../../../sql/crm/backfill_written_said.sql"))?;
        crm.run(include_str!("../../../sql/crm/adopt_merged.sql"))?;
    }
    if unknown.get("lacks_children") {
        add_children(crm, &ours("t"))?;
        crm.run(include_str!("../../../sql/crm/remember_first_records.sql"))?;
    }
    Ok(())
}

/// Records the rows that were just copied, which are all ours. The key is created when rows are deleted, which a publication allows
/// only by a key.
pub fn remember_children_first(crm: &Crm) -> Result<()> {
    crm.doing("recording what was written");
    crm.run(include_str!("../../../sql/crm/child_first.sql"))?;
    add_children(crm, "true")?;
    if crm.count("select count(*) from (select from backfill.record limit 1) r")? > 0 {
        crm.run(include_str!("../../../sql/crm/remember_first_records.sql"))?;
    } else {
        for statement in [
            include_str!("../../../sql/crm/record_first.sql"),
            include_str!("../../../sql/crm/fill_records.sql"),
            include_str!("../../../sql/crm/record_key.sql"),
        ] {
            crm.run(statement)?;
        }
    }
    // Recreated tables must be given to the owner of the schema again.
    crm.run(include_str!("../../../sql/crm/backfill_owner.sql"))
}

/// Creates the key of the table of children if it is missing.
pub fn key_children(crm: &Crm) -> Result<()> {
    if crm.primary_key("backfill.child")?.is_some() {
        return Ok(());
    }
    crm.run(include_str!("../../../sql/crm/child_key.sql"))
}

fn add_children(crm: &Crm, condition: &str) -> Result<()> {
    for loaded in children() {
        crm.run(&format!(
            "insert into backfill.child (table_name, id) select '{}', t.\"id\"::text from {} t where {}",
            loaded.table,
            quoted(loaded.table),
            condition
        ))?;
    }
    Ok(())
}

/// Whether a temporary table lists rows for which only the ids are recorded.
fn has_children(crm: &Crm, listed: &str) -> Result<bool> {
    let names: Vec<&str> = children().map(|loaded| loaded.table).collect();
    Ok(crm.one(&format!("select exists (select from {listed} where table_name = any ($1))"), &[&names])?.get(0))
}

/// Records the rows that a load inserted (`load_insert`) and removes the records of those that it deleted.
pub fn remember_children(crm: &Crm, inserted_of: impl Fn(&str) -> u64) -> Result<()> {
    let inserted: u64 = children().map(|loaded| inserted_of(loaded.table)).sum();
    // Adding so many records to a key takes longer than creating it again when rows are deleted.
    if inserted >= BULK
        && let Some(key) = crm.primary_key("backfill.child")?
        && crm.count("select count(*) from backfill.child")? <= 2 * inserted
    {
        crm.run(&format!("alter table backfill.child drop constraint {key}"))?;
    }
    for loaded in children() {
        crm.run(&format!(
            "insert into backfill.child (table_name, id)
             select i.table_name, i.id from load_insert i
             where i.table_name = '{}'
               and not exists (select from backfill.child c where c.table_name = i.table_name and c.id = i.id)",
            loaded.table
        ))?;
    }
    forget_children(crm)
}

/// Removes the records of rows that we delete ourselves (`load_delete`).
pub fn forget_children(crm: &Crm) -> Result<()> {
    if !has_children(crm, "load_delete")? {
        return Ok(());
    }
    key_children(crm)?;
    crm.run("delete from backfill.child c using load_delete d where d.table_name = c.table_name and d.id = c.id")
}

/// Finds the rows of earlier loads that are gone (`load_gone`), and records them as deleted by others. Returns how many. Fails if they
/// are more than a fifth of our rows, unless that is accepted.
pub fn notice(
    crm: &Crm,
    run_id: &str,
    as_of: Option<Timestamp>,
    is_accepted: bool,
    memory: &[(&'static Loaded, &LoadMemory)],
) -> Result<u64> {
    crm.doing("looking for rows deleted by others");
    crm.run("create temp table load_gone (table_name text, id text) on commit drop")?;
    let gone: u64 = memory.iter().map(|(_, memory)| memory.gone.len() as u64).sum();
    if gone == 0 {
        return Ok(0);
    }
    let written: u64 = memory.iter().map(|(_, memory)| memory.remembered).sum();
    let by_table: Vec<String> = memory
        .iter()
        .filter(|(_, memory)| !memory.gone.is_empty())
        .map(|(loaded, memory)| format!("{}: {}", loaded.table, memory.gone.len()))
        .collect();
    if gone * TOO_MANY > written && !is_accepted {
        let what = format!("{gone} of the {written} rows that earlier loads wrote were deleted by others: more than a fifth");
        let mut fault = Fault::new(Exit::Preflight, what).at(crm.place()).help(by_table.join(", "));
        fault = fault.help("was the CRM emptied or restored by mistake? put it back first, or load all of them again: --restore");
        return Err(fault.help("if they were deleted on purpose and must stay deleted: --accept-deleted").into());
    }
    crm.copy_values("copy load_gone (table_name, id) from stdin (format binary)", |write| {
        memory.iter().try_for_each(|(loaded, memory)| {
            memory.gone.iter().try_for_each(|id| write(&[Some(loaded.table.as_bytes()), Some(id.as_bytes())]))
        })
    })?;
    crm.run("analyze load_gone")?;
    let as_of = as_of.map(|as_of| as_of.to_string());
    crm.execute(include_str!("../../../sql/crm/notice_deleted.sql"), &[&run_id, &as_of])?;
    key_children(crm)?;
    for memory in ["written", "child"] {
        crm.run(&format!("delete from backfill.{memory} w using load_gone g where g.table_name = w.table_name and g.id = w.id"))?;
    }
    Ok(gone)
}

/// Removes the tombstones of rows that exist again.
pub fn forget_present(crm: &Crm) -> Result<u64> {
    let mut forgotten = 0;
    if crm.count("select count(*) from backfill.deleted")? == 0 {
        return Ok(0);
    }
    for loaded in &LOADED {
        forgotten += crm.execute(
            &format!(
                "delete from backfill.deleted d using {} t where d.table_name = '{}' and t.\"id\"::text = d.id",
                quoted(loaded.table),
                loaded.table
            ),
            &[],
        )?;
    }
    Ok(forgotten)
}

/// Restores deleted rows: all of them if no id is given, else the given rows, or the profiles of the given records with their rows.
/// Returns how many.
pub fn restore(crm: &Crm, ids: &[String]) -> Result<u64> {
    crm.doing("restoring rows deleted by others");
    let lifted = if ids.is_empty() {
        crm.run("delete from backfill.decision s using backfill.deleted d where d.table_name = 'CustomerProfile' and d.id = s.gone_id")?;
        crm.execute("delete from backfill.deleted", &[])?
    } else {
        crm.run("create temp table load_restored (table_name text, id text) on commit drop")?;
        crm.execute(include_str!("../../../sql/crm/find_restored.sql"), &[&ids])?;
        for loaded in LOADED.iter().filter(|loaded| CHILDREN.contains(&loaded.table)) {
            crm.run(&format!(
                "insert into load_restored
                 select '{name}', s.\"id\"::text from {staging} s
                 join load_restored r on r.table_name = 'CustomerProfile' and r.id = s.\"customerId\"::text",
                name = loaded.table,
                staging = loaded.staging
            ))?;
        }
        crm.run(
            "delete from backfill.decision s using load_restored r where r.table_name = 'CustomerProfile' and r.id = s.gone_id",
        )?;
        crm.execute(
            "delete from backfill.deleted d where exists (
               select from load_restored r where r.table_name in (d.table_name, '') and r.id = d.id)",
            &[],
        )?
    };
    if lifted == 0 && !ids.is_empty() {
        return Err(Fault::new(Exit::Usage, "--restore: no row of these ids was deleted by others")
            .at(crm.place())
            .help("deleted rows:  select * from backfill.deleted;  a record is named as source:entity:id")
            .into());
    }
    Ok(lifted)
}

/// Removes from staging what others deleted: rows by their id; profiles also by their records, with all their rows. Returns the number
/// of profiles that hold a record of a deleted or merged profile among other records; they are left as they are.
pub fn withhold(crm: &Crm, preflight: &Preflight) -> Result<u64> {
    crm.doing("withholding rows deleted by others");
    let nothing = "select (select count(*) from backfill.deleted) + (select count(*) from load_withheld) + (select count(*) from load_mixed)";
    if crm.count(nothing)? == 0 {
        return Ok(0);
    }
    withhold_deleted_consents(crm)?;
    for loaded in &LOADED {
        let plan = preflight.plan(loaded.table);
        if CHILDREN.contains(&loaded.table) {
            pull(crm, plan, "t.\"customerId\"::text in (select p.id from load_withheld_profiles p)")?;
            take_out(crm, loaded, "load_withheld_profiles p", "p.id = s.\"customerId\"::text", "DELETED_BY_OTHERS")?;
            let is_new = format!(
                "p.id = s.\"customerId\"::text and not exists (select from {} t where t.\"id\" = s.\"id\")",
                quoted(loaded.table)
            );
            take_out(crm, loaded, "load_mixed p", &is_new, "RECORD_WITHHELD")?;
            crm.run(&format!(
                "insert into load_kept
                 select '{name}', t.\"id\"::text, 'RECORD_WITHHELD' from {table} t
                 join load_mixed m on m.id = t.\"customerId\"::text where {ours}
                 union
                 select '{name}', t.\"id\"::text, 'RECORD_WITHHELD' from {staging} s
                 join load_mixed m on m.id = s.\"customerId\"::text
                 join {table} t on t.\"id\" = s.\"id\"
                 union
                 select '{name}', t.\"id\"::text, 'RECORD_WITHHELD' from {table} t
                 join load_merged_records m on t.\"customerId\"::text in (m.gone_id, m.survivor_id)
                 join load_question q on q.table_name = '{name}' and q.id = t.\"id\"::text
                 where {ours} and not exists (select from {staging} s where s.\"id\" = t.\"id\")",
                name = loaded.table,
                staging = loaded.staging,
                table = quoted(loaded.table),
                ours = ours("t"),
            ))?;
        }
        if loaded.table == table::CANDIDATE {
            let withheld = "exists (
                select from load_withheld_profiles p where p.id in (t.\"profileAId\"::text, t.\"profileBId\"::text))";
            pull(crm, plan, withheld)?;
            let either = "p.id in (s.\"profileAId\"::text, s.\"profileBId\"::text)";
            take_out(crm, loaded, "load_withheld_profiles p", either, "DELETED_BY_OTHERS")?;
        }
        if loaded.table == table::PROFILE {
            take_out(crm, loaded, "load_withheld_profiles p", "p.id = s.\"id\"::text", "DELETED_BY_OTHERS")?;
        }
        let by_id = format!("d.table_name = '{}' and d.id = s.\"id\"::text", loaded.table);
        take_out(crm, loaded, "backfill.deleted d", &by_id, "DELETED_BY_OTHERS")?;
        // A row of a deleted profile that was moved to another profile in the CRM stays there.
        crm.run(&format!(
            "insert into load_kept
             select '{name}', t.\"id\"::text, h.reason from {table} t
             join load_held h on h.table_name = '{name}' and h.id = t.\"id\"::text
             where h.reason in ('DELETED_BY_OTHERS', 'RECORD_WITHHELD') and {ours}",
            name = loaded.table,
            table = quoted(loaded.table),
            ours = ours("t"),
        ))?;
    }
    crm.execute("insert into load_kept select 'CustomerProfile', m.id, 'RECORD_WITHHELD' from load_mixed m", &[])
}

/// Withholds deleted consent rows. A withdrawal later than the deletion is still loaded; a deleted opt-in does not raise a flag.
fn withhold_deleted_consents(crm: &Crm) -> Result<()> {
    crm.run(include_str!("../../../sql/crm/lift_deleted_withdrawals.sql"))?;
    crm.run(include_str!("../../../sql/crm/find_deleted_grants.sql"))?;
    for (flag, channel) in FLAGS {
        crm.run(&format!(
            "with lowered as (
               update staged_customer_profiles s set \"{flag}\" = false
               from \"CustomerProfile\" t
               where t.\"id\" = s.\"id\" and s.\"{flag}\" and not t.\"{flag}\"
                 and exists (select from load_deleted_grants g where g.id = s.\"id\"::text and g.channel = '{channel}')
               returning s.\"id\"::text as id
             )
             insert into load_held (table_name, id, reason) select 'CustomerProfile', l.id, 'FLAG_LOWERED' from lowered l"
        ))?;
    }
    Ok(())
}

/// Removes the staged rows that match a condition, and lists them; of activities and withdrawals also their profiles, whose scores
/// count them.
pub(super) fn take_out(crm: &Crm, loaded: &Loaded, using: &str, condition: &str, reason: &str) -> Result<u64> {
    let (profile, counted) = match loaded.table {
        table::ACTIVITY => ("s.\"customerId\"::text", OTHER_TIMELINE),
        table::CONSENT => ("case when s.\"status\"::text = 'OPTED_OUT' then s.\"customerId\"::text end", OTHER_CONSENTS),
        _ => ("null", ""),
    };
    crm.execute(
        &format!(
            "with gone as (
               delete from {staging} s using {using} where {condition}
               returning s.\"id\"::text as id, {profile} as profile_id
             ),
             counted as (
               insert into load_other_scores select distinct g.profile_id, '{counted}' from gone g where g.profile_id is not null
             )
             insert into load_held (table_name, id, reason) select distinct '{name}', g.id, '{reason}' from gone g",
            staging = loaded.staging,
            name = loaded.table,
        ),
        &[],
    )
}
