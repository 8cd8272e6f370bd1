//! What a synchronisation leaves as it is: rows that others changed, withdrawals that stand, keys that others hold.

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::model::Phase;
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::Preflight;
use crate::pg::load::run_log::hash_of;
use crate::pg::load::session::Crm;
use crate::pg::load::target::{FLAGS, LOADED, ours, table};
use crate::pg::quote_identifier as quoted;

/// Marks rows of ours that somebody changed since we wrote them.
pub fn keep_changed(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<()> {
    crm.doing("look for rows that others changed");
    crm.run(
        "create temp table load_kept (table_name text, id text, reason text) on commit drop;
         create temp table load_held (table_name text, id text, reason text) on commit drop",
    )?;
    for loaded in LOADED.iter().filter(|loaded| loaded.remembered) {
        let plan = preflight.plan(loaded.table);
        let touched = match catalog.table(loaded.table).column("updatedBy") {
            Some(_) => "t.\"updatedBy\" is not null or ",
            None => "",
        };
        crm.run(&format!(
            "insert into load_kept
             select '{name}', t.\"id\"::text, 'CHANGED'
             from {table} t
             left join backfill.written w on w.table_name = '{name}' and w.id = t.\"id\"::text
             where {ours} and ({touched}w.hash <> {hash})",
            name = loaded.table,
            table = quoted(loaded.table),
            ours = ours("t"),
            hash = hash_of(plan, "t"),
        ))?;
    }
    crm.run("analyze load_kept")
}

/// Keeps withdrawals: a refusal in the CRM becomes a grant only by an act of the person that is logged later, and vanishes only
/// with the profile, with the record that decided it, or to where that record has moved.
pub fn keep_withdrawals(crm: &Crm, phase: Phase) -> Result<()> {
    crm.doing("look for withdrawals that stand");
    crm.run(include_str!("../../../sql/crm/keep_unlifted_withdrawals.sql"))?;
    if phase.number() >= 4 {
        crm.run(include_str!("../../../sql/crm/keep_vanished_withdrawals.sql"))?;
    }
    crm.run("analyze load_kept")
}

/// A flag stays down while a refusal stands that this load does not replace.
pub fn lower_flags(crm: &Crm) -> Result<u64> {
    crm.doing("lower flags under standing withdrawals");
    let mut lowered = 0;
    for (flag, channel) in FLAGS {
        let statement =
            include_str!("../../../sql/crm/lower_flag.sql").replace("emailOptIn", flag).replace("EMAIL", &channel.to_string());
        lowered += crm.execute(&statement, &[])?;
    }
    Ok(lowered)
}

/// Refuses when a foreign profile holds a service id or identity of ours: it may be the same person, and is not ours to change.
pub fn refuse_foreign_identities(crm: &Crm) -> Result<()> {
    crm.doing("look for foreign profiles that hold ids of ours");
    let found = crm.query(include_str!("../../../sql/crm/foreign_identities.sql"), &[])?;
    if found.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = found.iter().map(|row| format!("{} {}", row.get::<_, i64>(1), row.get::<_, &str>(0))).collect();
    Err(Fault::new(Exit::Preflight, format!("profiles of others hold ids of ours: {}", list.join(", ")))
        .at(crm.place())
        .help("real-time sync or another import made these profiles; merge or remove them first")
        .help("foreign profiles are never adopted or changed")
        .into())
}

/// Takes rows out of staging whose unique key a remaining row holds. A profile stays and only loses the value.
pub fn release_held(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<()> {
    crm.doing("look for unique keys that others hold");
    for loaded in &LOADED {
        let plan = preflight.plan(loaded.table);
        let data = plan.data();
        for key in catalog.table(loaded.table).unique_keys() {
            if !key.columns.iter().all(|column| data.contains(&column.as_str())) {
                continue;
            }
            let equal: Vec<String> = key.columns.iter().map(|column| format!("t.{0} = s.{0}", quoted(column))).collect();
            let replaced = match loaded.table {
                table::MEMBERSHIP => "and not exists (select from load_replaced r where r.id = t.\"id\"::text)",
                _ => "",
            };
            let (name, staging) = (loaded.table, loaded.staging);
            let held = format!(
                "select s.\"id\"::text as id
                 from {staging} s
                 join {} t on {} and t.\"id\" <> s.\"id\"
                 where (not {} or exists (select from load_kept k where k.table_name = '{name}' and k.id = t.\"id\"::text)) {replaced}",
                quoted(name),
                equal.join(" and "),
                ours("t"),
            );
            let found = crm.execute(
                &format!("insert into load_held select distinct '{name}', h.id, 'HELD_BY_OTHER' from ({held}) h"),
                &[],
            )?;
            if found == 0 {
                continue;
            }
            let mine = format!("exists (select from load_held h where h.table_name = '{name}' and h.id = s.\"id\"::text)");
            if name == table::PROFILE {
                let nullable = key
                    .columns
                    .iter()
                    .filter(|column| catalog.table(name).column(column).is_some_and(|found| !found.is_not_null));
                let nulls: Vec<String> = nullable.map(|column| format!("{} = null", quoted(column))).collect();
                crm.run(&format!(
                    "update {staging} s set {} where \"id\"::text in (select id from ({held}) h)",
                    nulls.join(", ")
                ))?;
            } else {
                crm.run(&format!("delete from {staging} s where {mine}"))?;
            }
        }
    }
    Ok(())
}
