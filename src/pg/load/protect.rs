//! Protected rows, which a load does not change: rows changed by others, standing withdrawals, unique keys of foreign rows.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::Phase;
use crate::pg::load::catalog::Catalog;
use crate::pg::load::delta::LoadMemory;
use crate::pg::load::diff::is_foreign_or_kept;
use crate::pg::load::keys;
use crate::pg::load::preflight::{Content, Preflight, TablePlan};
use crate::pg::load::session::Crm;
use crate::pg::load::staging::pull;
use crate::pg::load::table_sql::TableSql;
use crate::pg::load::target::{FLAGS, LOADED, Loaded, ours, table};
use crate::pg::load::tombstones;
use crate::pg::quote_identifier as quoted;

/// Marks our rows that others changed since we wrote them.
pub fn keep_changed(crm: &Crm, memory: &[(&'static Loaded, &LoadMemory)]) -> Result<()> {
    crm.doing("looking for rows changed by others");
    crm.run(
        "create temp table load_kept (table_name text, id text, reason text) on commit drop;
         create temp table load_held (table_name text, id text, reason text) on commit drop;
         create temp table load_other_scores (id text, reason text) on commit drop",
    )?;
    crm.copy_values("copy load_kept (table_name, id, reason) from stdin (format binary)", |write| {
        memory.iter().try_for_each(|(loaded, memory)| {
            let name = loaded.table.as_bytes();
            memory.changed.iter().try_for_each(|id| write(&[Some(name), Some(id.as_bytes()), Some(b"CHANGED")]))
        })
    })?;
    crm.run("analyze load_kept")
}

/// Keeps withdrawals. An opt-out in the CRM becomes an opt-in only by a later logged action of the person. It vanishes only with its
/// profile or with the record that decided it, or moves with that record.
pub fn keep_withdrawals(crm: &Crm, preflight: &Preflight, phase: Phase) -> Result<()> {
    crm.doing("looking for standing withdrawals");
    crm.run(include_str!("../../../sql/crm/keep_unlifted_withdrawals.sql"))?;
    if phase.number() >= 4 {
        crm.run(include_str!("../../../sql/crm/find_vanished_withdrawals.sql"))?;
        let same = "exists (
            select from load_vanished v
            where v.channel = t.\"channel\"::text and v.scope = t.\"scope\"::text
              and v.evidence_key = t.\"evidence\"::text::jsonb ->> 'evidenceKey')";
        pull(crm, preflight.plan(table::CONSENT), &format!("t.\"status\"::text = 'OPTED_OUT' and {same}"))?;
        crm.run(include_str!("../../../sql/crm/keep_vanished_withdrawals.sql"))?;
    }
    crm.run("analyze load_kept")
}

/// Switches off flags of profiles with a standing opt-out that this load does not replace. Opt-outs of a profile whose records moved hold
/// for the one that has them now.
pub fn lower_flags(crm: &Crm, preflight: &Preflight) -> Result<u64> {
    crm.doing("switching off flags with standing withdrawals");
    if crm.count("select count(*) from load_standing")? > 0 {
        pull(crm, preflight.plan(table::CONSENT), "t.\"customerId\"::text in (select l.successor from load_standing l)")?;
        crm.run(include_str!("../../../sql/crm/pass_entered_withdrawals_on.sql"))?;
    }
    crm.run(include_str!("../../../sql/crm/find_standing_withdrawals.sql"))?;
    let raised = FLAGS.map(|(flag, channel)| {
        format!("(t.{} and t.\"id\"::text in (select w.id from load_withdrawn w where w.channel = '{channel}'))", quoted(flag))
    });
    pull(crm, preflight.plan(table::PROFILE), &raised.join(" or "))?;
    crm.execute(include_str!("../../../sql/crm/lower_flags.sql"), &[])
}

/// Keeps metrics and scores of profiles whose activities in the CRM are not those of the datasets: others added (if there are foreign
/// ones, `has_foreign`), deleted or moved some. Lists the profiles with other withdrawals.
pub fn keep_scores(crm: &Crm, preflight: &Preflight, has_foreign: bool) -> Result<u64> {
    crm.doing("looking for profiles with other activities");
    let names = preflight.plan(table::PROFILE).names(|content| content == Content::Score);
    if names.is_empty() {
        return Ok(0);
    }
    let kept = crm.execute(include_str!("../../../sql/crm/keep_scores.sql"), &[&has_foreign])?;
    for reason in ["FOREIGN_ACTIVITY", tombstones::OTHER_TIMELINE] {
        crm.run(&TableSql::of(Loaded::of(table::PROFILE)).take_back(&names, reason))?;
    }
    Ok(kept)
}

/// Removes profiles that were soft-deleted, or merged without a survivor, from all segments.
pub fn leave_out_of_segments(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<u64> {
    crm.doing("removing deleted profiles from segments");
    let mark = catalog.table(table::PROFILE).column("deletedAt").map(|column| column.name.as_str());
    crm.run(&TableSql::of(Loaded::of(table::PROFILE)).list_marked("load_soft_deleted", mark))?;
    crm.run(include_str!("../../../sql/crm/find_inactive_profiles.sql"))?;
    pull(crm, preflight.plan(table::MEMBERSHIP), "t.\"customerId\"::text in (select i.id from load_inactive i)")?;
    crm.execute(include_str!("../../../sql/crm/leave_out_of_segments.sql"), &[])
}

/// SQL for the state of a consent row or of a profile's flags in the datasets, as recorded by the last load.
fn said(name: &str, alias: &str) -> Option<String> {
    match name {
        table::CONSENT => Some(format!("{alias}.\"status\"::text")),
        table::PROFILE => {
            let flags = FLAGS.map(|(flag, _)| format!("case when {alias}.{} then 't' else 'f' end", quoted(flag)));
            Some(flags.join(" || "))
        }
        _ => None,
    }
}

/// Finds consent rows changed by others to which a withdrawal since the last load applies. The withdrawal wins over the change. Returns
/// how many there are.
pub fn accept_new_withdrawals(crm: &Crm, preflight: &Preflight) -> Result<u64> {
    crm.doing("looking for withdrawals on rows changed by others");
    let beside_kept = "t.\"status\"::text = 'OPTED_OUT' and exists (
        select from load_kept k
        join \"MarketingConsent\" o on o.\"id\"::text = k.id
        where k.table_name = 'MarketingConsent' and o.\"customerId\" = t.\"customerId\" and o.\"id\" <> t.\"id\")";
    if crm.count("select count(*) from load_kept where table_name = 'MarketingConsent'")? > 0 {
        pull(crm, preflight.plan(table::CONSENT), beside_kept)?;
    }
    let accepted = crm.execute(include_str!("../../../sql/crm/accept_withdrawals.sql"), &[])?;
    crm.run(include_str!("../../../sql/crm/find_moved_grants.sql"))?;
    Ok(accepted + crm.count("select count(*) from load_refused")?)
}

/// Finds profiles changed by others whose flags must be lowered because of a withdrawal since the last load. Returns how many
/// there are.
pub fn find_lowered(crm: &Crm) -> Result<u64> {
    let mut conditions = Vec::new();
    let mut columns = Vec::new();
    for (position, (flag, _)) in (1..).zip(FLAGS) {
        let falls = format!("t.{0} and not s.{0} and substr(w.said, {position}, 1) = 't'", quoted(flag));
        columns.push(format!("coalesce({falls}, false) as {}", quoted(flag)));
        conditions.push(format!("({falls})"));
    }
    crm.run(&format!(
        "create temp table load_lowered on commit drop as
         select t.\"id\", {} from staged_customer_profiles s
         join \"CustomerProfile\" t on t.\"id\" = s.\"id\"
         join backfill.written w on w.table_name = 'CustomerProfile' and w.id = t.\"id\"::text
         where exists (select from load_kept k where k.table_name = 'CustomerProfile' and k.id = t.\"id\"::text) and ({})",
        columns.join(", "),
        conditions.join(" or ")
    ))?;
    crm.count("select count(*) from load_lowered")
}

/// Applies the results of [`accept_new_withdrawals`] and [`find_lowered`].
pub fn apply_new_withdrawals(crm: &Crm) -> Result<()> {
    crm.doing("applying withdrawals to rows changed by others");
    crm.run(include_str!("../../../sql/crm/refuse_moved_grants.sql"))?;
    let lowered = FLAGS.map(|(flag, _)| format!("{0} = t.{0} and not l.{0}", quoted(flag)));
    crm.run(&format!(
        "update \"CustomerProfile\" t set {}, \"updatedAt\" = now() from load_lowered l where l.\"id\" = t.\"id\"",
        lowered.join(", ")
    ))
}

/// Records the consents in the datasets. Returns how many rows differ from the last record.
pub fn remember_said(crm: &Crm) -> Result<u64> {
    crm.doing("recording the consents in the datasets");
    let mut changed = 0;
    for loaded in &LOADED {
        if let Some(said) = said(loaded.table, "s") {
            changed += crm.execute(
                &format!(
                    "update backfill.written w set said = {said} from {} s
                     where w.table_name = '{}' and w.id = s.\"id\"::text and w.said is distinct from {said}",
                    loaded.staging, loaded.table
                ),
                &[],
            )?;
        }
    }
    Ok(changed)
}

/// Fails if a foreign profile holds a service id or identity of ours: it may be the same person, and must not be changed by us.
pub fn refuse_foreign_identities(crm: &Crm, preflight: &Preflight) -> Result<()> {
    crm.doing("looking for foreign profiles that hold ids of ours");
    let same = ["authUserId", "sclMemberId", "teetimePlayerId", "messagingContactId"].map(|column| {
        format!(
            "t.{0} in (select f.{0} from \"CustomerProfile\" f where not {1} and f.{0} is not null)",
            quoted(column),
            ours("f")
        )
    });
    pull(crm, preflight.plan(table::PROFILE), &same.join(" or "))?;
    let found = crm.query(include_str!("../../../sql/crm/foreign_identities.sql"), &[])?;
    if found.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = found.iter().map(|row| format!("{} {}", row.get::<_, i64>(1), row.get::<_, &str>(0))).collect();
    Err(Fault::new(Exit::Preflight, format!("foreign profiles hold ids of ours: {}", list.join(", ")))
        .at(crm.place())
        .help("real-time sync or another import made these profiles; merge or remove them first")
        .help("foreign profiles are never adopted or changed")
        .into())
}

/// Removes staged rows whose unique key is held by a row that stays. A profile is not removed, it only loses the value.
pub fn release_held(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<()> {
    crm.doing("looking for unique keys held by others");
    for loaded in &LOADED {
        let plan = preflight.plan(loaded.table);
        let data = plan.data();
        for key in catalog.table(loaded.table).unique_keys() {
            if !key.columns.iter().all(|column| data.contains(&column.as_str())) {
                continue;
            }
            let replaced = match loaded.table {
                table::MEMBERSHIP => "and not exists (select from load_replaced r where r.id = t.\"id\"::text)",
                _ => "",
            };
            let (name, staging) = (loaded.table, loaded.staging);
            let sql = TableSql::of(loaded);
            let held = sql.held_keys(&key.columns, replaced);
            let found = crm.execute(
                &format!("insert into load_held select distinct '{name}', h.id, 'HELD_BY_OTHER' from ({held}) h"),
                &[],
            )?;
            if found == 0 {
                continue;
            }
            let mine = format!(
                "exists (select from load_held h
                   where h.table_name = '{name}' and h.reason = 'HELD_BY_OTHER' and h.id = s.\"id\"::text)"
            );
            if name == table::PROFILE {
                let nullable = key
                    .columns
                    .iter()
                    .filter(|column| catalog.table(name).column(column).is_some_and(|found| !found.is_not_null));
                let values: Vec<String> = nullable.map(|column| sql.held_value(column)).collect();
                if values.is_empty() {
                    continue;
                }
                crm.run(&format!(
                    "update {staging} s set {} where \"id\"::text in (select id from ({held}) h)",
                    values.join(", ")
                ))?;
            } else {
                crm.run(&format!("delete from {staging} s where {mine}"))?;
            }
        }
        release_expressions(crm, catalog, plan)?;
    }
    Ok(())
}

/// The same for keys over expressions and for partial indexes.
fn release_expressions(crm: &Crm, catalog: &Catalog, plan: &TablePlan) -> Result<()> {
    let (name, staging) = (plan.loaded.table, plan.loaded.staging);
    let info = catalog.table(name);
    for key in keys::of_table(crm, info, plan)?.iter().filter(|key| !key.index.is_plain) {
        let held = keys::held_by_others(info, plan, key);
        // Keys that cannot be evaluated are reported when the keys are checked.
        let Ok(found) = crm.attempt(&held)? else { continue };
        let ids: Vec<String> = found.iter().map(|row| row.get(0)).collect();
        if ids.is_empty() || (name == table::PROFILE && key.released.is_empty()) {
            continue;
        }
        crm.execute(
            &format!("insert into load_held select '{name}', h.id, 'HELD_BY_OTHER' from unnest($1::text[]) as h (id)"),
            &[&ids],
        )?;
        if name == table::PROFILE {
            let nulls: Vec<String> = key.released.iter().map(|column| format!("{} = null", quoted(column))).collect();
            crm.execute(&format!("update {staging} s set {} where \"id\"::text = any ($1)", nulls.join(", ")), &[&ids])?;
        } else {
            crm.execute(&format!("delete from {staging} s where \"id\"::text = any ($1)"), &[&ids])?;
        }
    }
    Ok(())
}

/// Keeps our rows that foreign rows refer to, because deleting them would delete the foreign rows, or fail.
pub fn keep_referenced(crm: &Crm, catalog: &Catalog) -> Result<()> {
    crm.doing("looking for foreign rows that refer to ours");
    for reference in catalog.references.iter().filter(|reference| reference.is_to_id && reference.referenced != table::PROFILE) {
        let Some(loaded) = LOADED.iter().find(|loaded| loaded.table == reference.referenced) else { continue };
        let theirs = is_foreign_or_kept(crm, reference)?;
        crm.run(&TableSql::of(loaded).keep_referenced(&reference.qualified, &reference.column, &theirs))?;
    }
    Ok(())
}
