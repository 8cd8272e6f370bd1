//! Rows of ours that others deleted: noticed by what earlier loads wrote, withheld from then on, loaded again only when restored.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::Timestamp;
use crate::pg::load::session::Crm;
use crate::pg::load::target::{FLAGS, LOADED, Loaded, ours, table};
use crate::pg::quote_identifier as quoted;

/// A refusal follows when more than one in so many rows of ours is gone.
const TOO_MANY: u64 = 5;

/// Tables whose rows hang on one profile by `customerId`.
pub(super) const CHILDREN: [&str; 5] = [table::ALIAS, table::CONSENT, table::ACTIVITY, table::INTERACTION, table::MEMBERSHIP];

/// Whether a deleted row of this table stays deleted. Memberships are computed anew by whoever refreshes a segment, so that an
/// absent one decides nothing.
pub(super) fn is_remembered(loaded: &Loaded) -> bool {
    loaded.table != table::MEMBERSHIP
}

/// Tables whose rows are remembered by their ids alone.
fn children() -> impl Iterator<Item = &'static Loaded> {
    LOADED.iter().filter(|loaded| is_remembered(loaded) && !loaded.remembered)
}

/// Takes rows of ours that nothing is remembered of, as after a load by an older version, over as written, so that their absence is
/// noticed from now on.
pub fn adopt(crm: &Crm) -> Result<()> {
    let unknown = crm.one(include_str!("../../../sql/crm/is_unknown.sql"), &[])?;
    if unknown.get("lacks_words") {
        crm.run(include_str!("../../../sql/crm/backfill_written_said.sql"))?;
        crm.run(include_str!("../../../sql/crm/adopt_merged.sql"))?;
    }
    if unknown.get("lacks_children") {
        add_children(crm)?;
        crm.run(include_str!("../../../sql/crm/remember_first_records.sql"))?;
    }
    Ok(())
}

/// Remembers the rows that were just copied in; the key is made once, after them.
pub fn remember_children_first(crm: &Crm) -> Result<()> {
    crm.doing("remember what was written");
    crm.run(include_str!("../../../sql/crm/child_first.sql"))?;
    add_children(crm)?;
    crm.run(include_str!("../../../sql/crm/child_key.sql"))?;
    // The table was made anew: it belongs to the owner of the schema, as all others do.
    crm.run(include_str!("../../../sql/crm/backfill_owner.sql"))?;
    crm.run(include_str!("../../../sql/crm/remember_first_records.sql"))
}

fn add_children(crm: &Crm) -> Result<()> {
    for loaded in children() {
        crm.run(&format!(
            "insert into backfill.child (table_name, id) select '{}', t.\"id\"::text from {} t where {}",
            loaded.table,
            quoted(loaded.table),
            ours("t")
        ))?;
    }
    Ok(())
}

/// Remembers the rows that a load inserted (`load_insert`) and forgets those that it deleted.
pub fn remember_children(crm: &Crm) -> Result<()> {
    for loaded in children() {
        crm.run(&format!(
            "insert into backfill.child (table_name, id)
             select i.table_name, i.id from load_insert i where i.table_name = '{}' on conflict do nothing",
            loaded.table
        ))?;
    }
    forget_children(crm)
}

/// Forgets rows that we delete ourselves (`load_delete`).
pub fn forget_children(crm: &Crm) -> Result<()> {
    crm.run("delete from backfill.child c using load_delete d where d.table_name = c.table_name and d.id = c.id")
}

/// Finds the rows that earlier loads wrote and that are no longer there (`load_gone`), and remembers them as deleted by others;
/// returns how many. More than a fifth refuses, unless that many deletions are accepted.
pub fn notice(crm: &Crm, run_id: &str, as_of: Option<Timestamp>, is_accepted: bool) -> Result<u64> {
    crm.doing("look for rows deleted by others");
    crm.run("create temp table load_gone (table_name text, id text) on commit drop")?;
    let mut by_table = Vec::new();
    for loaded in LOADED.iter().filter(|loaded| is_remembered(loaded)) {
        let found = crm.execute(
            &format!(
                "insert into load_gone
                 select w.table_name, w.id from {memory} w
                 where w.table_name = '{name}' and not exists (select from {table} t where t.\"id\"::text = w.id)",
                memory = if loaded.remembered { "backfill.written" } else { "backfill.child" },
                name = loaded.table,
                table = quoted(loaded.table),
            ),
            &[],
        )?;
        if found > 0 {
            by_table.push(format!("{}: {found}", loaded.table));
        }
    }
    let gone = crm.count("select count(*) from load_gone")?;
    if gone == 0 {
        return Ok(0);
    }
    let written = crm.count("select (select count(*) from backfill.written) + (select count(*) from backfill.child)")?;
    if gone * TOO_MANY > written && !is_accepted {
        let what = format!("{gone} of the {written} rows that earlier loads wrote were deleted by others: more than a fifth");
        let mut fault = Fault::new(Exit::Preflight, what).at(crm.place()).help(by_table.join(", "));
        fault = fault.help("was the CRM emptied or restored by mistake? put it back first, or load all of them again: --restore");
        return Err(fault.help("if they were deleted on purpose and must stay deleted: --accept-deleted").into());
    }
    crm.run("analyze load_gone")?;
    let as_of = as_of.map(|as_of| as_of.to_string());
    crm.execute(include_str!("../../../sql/crm/notice_deleted.sql"), &[&run_id, &as_of])?;
    for memory in ["written", "child"] {
        crm.run(&format!("delete from backfill.{memory} w using load_gone g where g.table_name = w.table_name and g.id = w.id"))?;
    }
    Ok(gone)
}

/// Forgets deletions of rows that are there again.
pub fn forget_present(crm: &Crm) -> Result<u64> {
    let mut forgotten = 0;
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

/// Lifts deletions: all of them where no id is given, else those of the given rows, or of the profiles that held the given
/// records, with what hangs on them; returns how many.
pub fn restore(crm: &Crm, ids: &[String]) -> Result<u64> {
    crm.doing("restore rows deleted by others");
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

/// Takes out of staging what others deleted: rows by their id, profiles also by the records they held, and all that hangs on
/// these. Returns the profiles that hold a record of a deleted one beside others: they are left as they are.
pub fn withhold(crm: &Crm) -> Result<u64> {
    crm.doing("withhold what others deleted");
    if crm.count("select (select count(*) from backfill.deleted) + (select count(*) from load_withheld)")? == 0 {
        return Ok(0);
    }
    withhold_deleted_consents(crm)?;
    for loaded in &LOADED {
        if CHILDREN.contains(&loaded.table) {
            take_out(crm, loaded, "load_withheld_profiles p", "p.id = s.\"customerId\"::text", "DELETED_BY_OTHERS")?;
            let is_new = format!(
                "p.id = s.\"customerId\"::text and not exists (select from {} t where t.\"id\" = s.\"id\")",
                quoted(loaded.table)
            );
            take_out(crm, loaded, "load_mixed p", &is_new, "RECORD_WITHHELD")?;
            crm.run(&format!(
                "insert into load_kept
                 select '{name}', t.\"id\"::text, 'RECORD_WITHHELD' from {table} t
                 join load_mixed m on m.id = t.\"customerId\"::text where {ours}",
                name = loaded.table,
                table = quoted(loaded.table),
                ours = ours("t"),
            ))?;
        }
        if loaded.table == table::CANDIDATE {
            let either = "p.id in (s.\"profileAId\"::text, s.\"profileBId\"::text)";
            take_out(crm, loaded, "load_withheld_profiles p", either, "DELETED_BY_OTHERS")?;
        }
        if loaded.table == table::PROFILE {
            take_out(crm, loaded, "load_withheld_profiles p", "p.id = s.\"id\"::text", "DELETED_BY_OTHERS")?;
        }
        let by_id = format!("d.table_name = '{}' and d.id = s.\"id\"::text", loaded.table);
        take_out(crm, loaded, "backfill.deleted d", &by_id, "DELETED_BY_OTHERS")?;
        // A row of a deleted profile that people gave to another profile stays there.
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

/// A withdrawal that is later than the deletion of its row is loaded all the same. A deleted grant raises no flag.
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

/// Takes the rows of staging that fit a condition out of it and lists them.
pub(super) fn take_out(crm: &Crm, loaded: &Loaded, using: &str, condition: &str, reason: &str) -> Result<u64> {
    crm.execute(
        &format!(
            "with gone as (delete from {staging} s using {using} where {condition} returning s.\"id\"::text as id)
             insert into load_held (table_name, id, reason) select distinct '{name}', g.id, '{reason}' from gone g",
            staging = loaded.staging,
            name = loaded.table,
        ),
        &[],
    )
}
