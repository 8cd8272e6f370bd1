//! Merges made in the CRM: they are recorded as decisions, and rows of a merged profile go to the profile it was merged into, the
//! survivor.

use anyhow::Result;

use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::Preflight;
use crate::pg::load::session::Crm;
use crate::pg::load::staging::pull;
use crate::pg::load::target::{FLAGS, LOADED, Loaded, table};
use crate::pg::load::tombstones::{CHILDREN, OTHER_TIMELINE, take_out};
use crate::pg::quote_identifier as quoted;

/// The statement of `export-crm` that lists the pairs of records joined in the CRM.
const MERGED_PAIRS: &str = include_str!("../../../sql/exports/crm/merged_pairs.sql");
/// The statement of `export-crm` that lists the records whose profiles are withheld.
const WITHHELD_RECORDS: &str = include_str!("../../../sql/exports/crm/withheld_records.sql");

/// Records permanently which records were joined in the CRM, because later loads may move or delete the rows that show it.
pub fn remember(crm: &Crm, run_id: &str) -> Result<u64> {
    crm.doing("recording merges made in the CRM");
    crm.run(include_str!("../../../sql/crm/forget_decisions.sql"))?;
    crm.run(&format!("create temp table load_merged_pairs on commit drop as {MERGED_PAIRS}"))?;
    crm.execute(include_str!("../../../sql/crm/remember_decisions.sql"), &[&run_id])
}

/// Creates temporary tables of what was merged and deleted in the CRM: merged profiles with their survivors (`load_merges`),
/// withheld records (`load_withheld`), and the staged profiles that are withheld, redirected, or hold a withheld record among
/// others. `known` are the profiles whose merges the datasets heed.
pub fn find(crm: &Crm, known: &[String]) -> Result<()> {
    crm.doing("looking for profiles merged by others");
    crm.run("create temp table load_known_merges (id text) on commit drop")?;
    crm.copy_values("copy load_known_merges (id) from stdin (format binary)", |write| {
        known.iter().try_for_each(|id| write(&[Some(id.as_bytes())]))
    })?;
    crm.run(include_str!("../../../sql/crm/find_merges.sql"))?;
    crm.run(&format!("create temp table load_withheld on commit drop as {WITHHELD_RECORDS}"))?;
    crm.run("analyze load_merges; analyze load_withheld")?;
    for statement in [
        include_str!("../../../sql/crm/find_withheld_profiles.sql"),
        include_str!("../../../sql/crm/find_redirected_profiles.sql"),
        include_str!("../../../sql/crm/find_merged_records.sql"),
        include_str!("../../../sql/crm/find_mixed_profiles.sql"),
        include_str!("../../../sql/crm/find_renamed_profiles.sql"),
    ] {
        crm.run(statement)?;
    }
    crm.run("analyze load_withheld_profiles; analyze load_redirect; analyze load_mixed; analyze load_renamed")
}

/// Leaves merged profiles as they are, and gives their rows in the datasets to their survivors. Returns how many merged profiles the
/// datasets hold.
pub fn follow(crm: &Crm, catalog: &Catalog, preflight: &Preflight) -> Result<u64> {
    crm.doing("applying merges made in the CRM");
    crm.run(include_str!("../../../sql/crm/keep_merged_profiles.sql"))?;
    let redirected = crm.count("select count(*) from load_redirect")?;
    if redirected == 0 {
        return Ok(0);
    }
    pull_families(crm, preflight)?;
    crm.run(include_str!("../../../sql/crm/rename_profiles.sql"))?;
    // A renamed profile stands in the CRM under its new id.
    crm.run("insert into load_question select 'CustomerProfile', n.target_id from load_renamed n")?;
    lower_flags_of_survivors(crm)?;
    crm.run(include_str!("../../../sql/crm/pass_withdrawals_on.sql"))?;
    for loaded in &LOADED {
        match loaded.table {
            table::PROFILE => {
                take_out(crm, loaded, "load_redirect r", "r.id = s.\"id\"::text", "MERGED_BY_OTHERS")?;
            }
            table::CANDIDATE => {
                let either = "r.id in (s.\"profileAId\"::text, s.\"profileBId\"::text)";
                take_out(crm, loaded, "load_redirect r", either, "MERGED_BY_OTHERS")?;
            }
            table::MEMBERSHIP => {
                let lost = "r.id = s.\"customerId\"::text and not exists (select from load_renamed n where n.id = r.id)";
                take_out(crm, loaded, "load_redirect r", lost, "MERGED_BY_OTHERS")?;
                redirect(crm, loaded)?;
            }
            name if CHILDREN.contains(&name) => {
                keep_existing(crm, loaded)?;
                redirect(crm, loaded)?;
                drop_doubled(crm, catalog, loaded)?;
            }
            _ => {}
        }
    }
    Ok(redirected)
}

/// Stages equal rows of merged profiles and of their survivors.
fn pull_families(crm: &Crm, preflight: &Preflight) -> Result<()> {
    let both = "(select r.id from load_redirect r union select r.target_id from load_redirect r)";
    let of = |column: &str| format!("t.\"{column}\"::text in {both}");
    for loaded in &LOADED {
        let condition = match loaded.table {
            table::PROFILE => of("id"),
            table::CANDIDATE => format!("{} or {}", of("profileAId"), of("profileBId")),
            _ => of("customerId"),
        };
        pull(crm, preflight.plan(loaded.table), &condition)?;
    }
    Ok(())
}

/// Applies withdrawals of a merged profile to its survivor.
fn lower_flags_of_survivors(crm: &Crm) -> Result<()> {
    for (flag, channel) in FLAGS {
        crm.run(&format!(
            "with lowered as (
               update staged_customer_profiles s set \"{flag}\" = false
               from load_redirect r
               join staged_marketing_consents c on c.\"customerId\"::text = r.id
               where r.target_id = s.\"id\"::text and s.\"{flag}\" and c.\"channel\"::text = '{channel}'
                 and c.\"status\"::text = 'OPTED_OUT' and c.\"scope\" <> 'transactional'
               returning s.\"id\"::text as id
             )
             insert into load_held (table_name, id, reason) select 'CustomerProfile', l.id, 'FLAG_LOWERED' from lowered l"
        ))?;
    }
    Ok(())
}

/// Keeps existing rows of a merged profile where they are, unless the survivor now has its id in the datasets.
fn keep_existing(crm: &Crm, loaded: &Loaded) -> Result<()> {
    crm.run(&format!(
        "insert into load_kept
         select '{name}', s.\"id\"::text, 'MERGED_BY_OTHERS'
         from {staging} s
         join load_redirect r on r.id = s.\"customerId\"::text
         join {table} t on t.\"id\" = s.\"id\"
         where not exists (select from load_renamed n where n.id = r.id)",
        name = loaded.table,
        staging = loaded.staging,
        table = quoted(loaded.table),
    ))
}

/// Gives the rows of merged profiles to their survivors, whose scores count none of them.
fn redirect(crm: &Crm, loaded: &Loaded) -> Result<()> {
    if loaded.table == table::ACTIVITY {
        crm.run(&format!(
            "insert into load_other_scores
             select distinct r.target_id, '{OTHER_TIMELINE}'
             from {staging} s
             join load_redirect r on r.id = s.\"customerId\"::text
             where not exists (select from load_renamed n where n.id = r.id)
               and not exists (select from load_kept k where k.table_name = '{name}' and k.id = s.\"id\"::text)",
            staging = loaded.staging,
            name = loaded.table,
        ))?;
    }
    crm.run(&format!(
        "with passed as (
           update {staging} s set \"customerId\" = t.\"id\", \"tenantId\" = t.\"tenantId\"
           from load_redirect r join \"CustomerProfile\" t on t.\"id\"::text = r.target_id
           where r.id = s.\"customerId\"::text
           returning s.\"id\"::text as id
         )
         insert into load_held (table_name, id, reason) select '{name}', p.id, 'MERGED_BY_OTHERS' from passed p",
        staging = loaded.staging,
        name = loaded.table,
    ))
}

/// Drops a redirected row where the survivor has an equal one.
fn drop_doubled(crm: &Crm, catalog: &Catalog, loaded: &Loaded) -> Result<()> {
    let redirected = |alias: &str| {
        format!(
            "exists (select from load_held h where h.table_name = '{}' and h.reason = 'MERGED_BY_OTHERS' and h.id = {alias}.\"id\"::text)",
            loaded.table
        )
    };
    let customer = "customerId".to_owned();
    for key in catalog.table(loaded.table).unique_keys().filter(|key| key.columns.contains(&customer)) {
        let equal: Vec<String> = key.columns.iter().map(|column| format!("o.{0} = s.{0}", quoted(column))).collect();
        crm.run(&format!(
            "delete from {staging} s
             where {mine} and exists (
               select from {staging} o
               where {equal} and o.\"id\" <> s.\"id\" and (not {theirs} or o.\"id\" < s.\"id\"))",
            staging = loaded.staging,
            mine = redirected("s"),
            equal = equal.join(" and "),
            theirs = redirected("o"),
        ))?;
    }
    Ok(())
}
