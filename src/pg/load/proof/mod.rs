//! Checks the rows of the datasets against every constraint in the target's catalog, before a row is sent.
//!
//! Constraints of a column's type (length, labels of an enum, NOT NULL, range of a number) are checked here, with the encoder
//! that load uses. Constraints that only the server can evaluate (CHECK constraints, domains, unique indexes with their
//! expressions, conditions and collations, generated columns, foreign keys to tables that no dataset fills) are checked by the
//! server: the columns of such a constraint are copied into a temporary table without constraints, the constraint is evaluated
//! over it as a query, and the savepoint is rolled back. A table whose constraints the datasets satisfy by construction is not
//! read.

mod columns;
mod demands;
mod shadow;
mod trials;

use std::collections::BTreeMap;

use anyhow::Result;

use crate::model::Phase;
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::{Preflight, PreflightFinding, TablePlan};
use crate::pg::load::session::Crm;
use crate::pg::load::target::LOADED;
use crate::pg::load::target::table;
use crate::pg::load::{Input, Loader};

use columns::Probe;
use demands::Demand;
pub(super) use demands::is_proved;
use shadow::Shadow;

/// Ids of rows that a finding keeps.
const KEPT_ROWS: usize = 10_000;
/// Ids that its message names.
const NAMED_ROWS: usize = 5;

/// Rows that violate a constraint.
#[derive(Clone, Debug, Default)]
struct Offenders {
    count: u64,
    ids: Vec<String>,
}

impl Offenders {
    fn add(&mut self, id: &str) {
        self.count += 1;
        if self.ids.len() < KEPT_ROWS {
            self.ids.push(id.to_owned());
        }
    }

    /// `3 rows (bf11…, bf11…, bf11…)`
    fn words(&self) -> String {
        let named = self.ids.iter().take(NAMED_ROWS).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if self.count > NAMED_ROWS as u64 { ", …" } else { "" };
        let rows = if self.count == 1 { "row" } else { "rows" };
        if named.is_empty() { format!("{} {rows}", self.count) } else { format!("{} {rows} ({named}{more})", self.count) }
    }

    fn refusal(self, what: String) -> PreflightFinding {
        PreflightFinding { what, refuses: true, rows: self.ids }
    }
}

impl Loader {
    /// Checks the datasets against the catalog and adds the findings to the preflight. Does not change the CRM.
    pub fn prove(&mut self, input: &Input<'_>) -> Result<()> {
        if let Some(findings) = prove_datasets(&self.crm, &self.catalog, &self.preflight, input)? {
            self.preflight.add(findings);
            self.is_proved = true;
        }
        Ok(())
    }

    /// Checks the datasets inside the transaction of the load, unless that was done with the same catalog.
    pub(super) fn prove_now(&mut self, input: &Input<'_>, is_strict: bool) -> Result<()> {
        if self.is_proved {
            return Ok(());
        }
        let findings = prove(&self.crm, &self.catalog, &self.preflight, input)?;
        self.preflight.add(findings);
        self.preflight.check(&self.crm.place(), is_strict)
    }
}

/// Checks the datasets of a load in a transaction of its own, which is rolled back. `None` if the target's tables do not allow
/// the check.
pub fn prove_datasets(
    crm: &Crm,
    catalog: &Catalog,
    preflight: &Preflight,
    input: &Input<'_>,
) -> Result<Option<Vec<PreflightFinding>>> {
    if preflight.plans.len() < LOADED.len() || catalog.is_read_only || catalog.is_standby {
        return Ok(None);
    }
    crm.begin()?;
    let proved = prove(crm, catalog, preflight, input);
    if !crm.is_lost() {
        crm.end()?;
    }
    proved.map(Some)
}

/// Checks the datasets of a load inside an open transaction, which is left as it was.
fn prove(crm: &Crm, catalog: &Catalog, preflight: &Preflight, input: &Input<'_>) -> Result<Vec<PreflightFinding>> {
    if catalog.is_standby || !catalog.may_make_temporary || catalog.schema.is_empty() {
        return Ok(Vec::new());
    }
    crm.doing("proving the datasets against the catalog");
    crm.run("savepoint proof")?;
    let proved = prove_inside(crm, catalog, preflight, input);
    if !crm.is_lost() {
        crm.run("rollback to savepoint proof; release savepoint proof")?;
    }
    proved
}

fn prove_inside(crm: &Crm, catalog: &Catalog, preflight: &Preflight, input: &Input<'_>) -> Result<Vec<PreflightFinding>> {
    let plans: Vec<&TablePlan> =
        preflight.plans.iter().filter(|plan| !plan.loaded.scored || input.phase >= Phase::SCORES).collect();
    let mut demands: BTreeMap<&str, Vec<Demand<'_>>> = BTreeMap::new();
    for plan in &plans {
        demands.insert(plan.loaded.table, demands::of_table(catalog.table(plan.loaded.table), plan));
    }
    let shadows = shadow::plan(catalog, &plans, &demands);
    let mut findings = defaults(crm, catalog, &plans)?;
    for plan in &plans {
        let info = catalog.table(plan.loaded.table);
        let shadow = shadows.get(plan.loaded.table);
        let probe = Probe::plan(plan, info, input.phase);
        findings.extend(probe.run(crm, input, shadow)?);
    }
    for plan in &plans {
        for demand in &demands[plan.loaded.table] {
            findings.extend(judge(crm, plan, demand, &shadows)?);
        }
    }
    findings.extend(trials::run(crm, catalog, preflight, input)?);
    Ok(findings)
}

/// Asks the server for the rows that violate a constraint.
fn judge(
    crm: &Crm,
    plan: &TablePlan,
    demand: &Demand<'_>,
    shadows: &BTreeMap<&'static str, Shadow<'_>>,
) -> Result<Option<PreflightFinding>> {
    let Some(shadow) = shadows.get(plan.loaded.table) else { return Ok(None) };
    let what = demand.words(plan.loaded.table);
    let Some(statement) = demand.statement(shadow, shadows) else {
        return Ok(demand.unprovable().map(|why| PreflightFinding::refusal(format!("{what}: {why}"))));
    };
    match crm.attempt(&statement)? {
        Ok(rows) => {
            let Some(first) = rows.first() else { return Ok(None) };
            let offenders = match first.try_get::<_, i64>(1) {
                Ok(count) => Offenders { count: count.unsigned_abs(), ids: rows.iter().map(|row| row.get(0)).collect() },
                Err(_) => return Ok(None),
            };
            let advice = demand.advice(plan.loaded.table);
            let what = format!("{what}: {} {}; {advice}", offenders.words(), demand.failure());
            Ok(Some(offenders.refusal(what)))
        }
        // A constraint that the server cannot parse without the table itself is left to the load.
        Err(refused) if refused.code.starts_with("42") && refused.code != "42501" => {
            Ok(Some(PreflightFinding::warning(format!("{what}: it cannot be evaluated beforehand ({})", refused.code))))
        }
        Err(refused) if refused.code == "42501" => {
            let advice = "grant execute on the functions that it calls to the loader's role";
            Ok(Some(PreflightFinding::refusal(format!("{what}: the role may not evaluate it ({}); {advice}", refused.code))))
        }
        Err(refused) => {
            let offenders = shadow.failing_rows(crm, demand)?;
            let rows = if offenders.count == 0 { "the rows".to_owned() } else { offenders.words() };
            let what =
                format!("{what}: evaluating it over {rows} fails ({}); {}", refused.code, demand.advice(plan.loaded.table));
            Ok(Some(offenders.refusal(what)))
        }
    }
}

/// Checks that required columns which no dataset fills have a default with a value.
fn defaults(crm: &Crm, catalog: &Catalog, plans: &[&TablePlan]) -> Result<Vec<PreflightFinding>> {
    let mut findings = Vec::new();
    for plan in plans {
        let name = plan.loaded.table;
        for column in shadow::left_to_defaults(catalog.table(name), plan) {
            let place = format!("column {name:?}.{:?}", column.name);
            if !column.may_use_sequence {
                let advice = "grant usage on it to the loader's role";
                findings
                    .push(PreflightFinding::refusal(format!("{place} is fed by a sequence that the role may not use; {advice}")));
            }
            let Some(default) = column.default.as_deref().filter(|default| !default.contains("nextval(")) else { continue };
            match crm.attempt(&format!("select ({default})::{} is null", column.type_name))? {
                Ok(rows) if column.is_not_null && rows.first().is_some_and(|row| row.get(0)) => {
                    findings.push(PreflightFinding::refusal(format!("{place} is required, and its default is null")));
                }
                Ok(_) => {}
                Err(refused) => {
                    findings
                        .push(PreflightFinding::refusal(format!("{place}: its default cannot be evaluated ({})", refused.code)));
                }
            }
        }
    }
    Ok(findings)
}

/// The setting that gives a value shared by several people to one of them only.
fn holder_setting(table: &str, touched: &[String]) -> Option<&'static str> {
    let touches = |name: &str| touched.iter().any(|column| column == name);
    if table != table::PROFILE {
        return None;
    }
    let reach = if touches("tenantId") { 0 } else { 1 };
    match (touches("email"), touches("phoneNumber")) {
        (true, false) => Some(
            [
                "[survivorship] email_holder = \"tenant\" leaves a shared email to one profile of each tenant",
                "[survivorship] email_holder = \"global\" leaves a shared email to one profile",
            ][reach],
        ),
        (false, true) => Some(
            [
                "[survivorship] phone_holder = \"tenant\" leaves a shared phone to one profile of each tenant",
                "[survivorship] phone_holder = \"global\" leaves a shared phone to one profile",
            ][reach],
        ),
        _ => None,
    }
}
