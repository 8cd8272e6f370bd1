//! Dry run and load give the same answer on any target: seeded variants of the CRM's tables, loaded by the runbook's roles.

mod ddl;
mod people;
mod variants;

use std::collections::BTreeMap;

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::Phase;
use crm_backfill::pg::load::{Input, Loader};

use crate::pg::load::{ALONE, load_as};
use crate::support::datasets::{AS_OF, World};
use crate::support::postgres::{Database, bare_database as database};
use crate::support::role::Role;
use crate::support::soak::seeds;

use variants::Variant;

/// Variants that `cargo test` tries; [`seeds`] says how to try more.
const SAMPLE: u32 = 24;

/// The result of one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Loaded,
    RefusedForItsTables,
    RefusedForRows,
}

#[test]
fn a_dry_run_predicts_whether_the_load_succeeds() {
    let tried = seeds(SAMPLE);
    let count = tried.end - tried.start;
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in tried {
        let variant = Variant::of(seed);
        match std::panic::catch_unwind(|| try_variant(&variant)) {
            Ok(Ok(outcome)) => *outcomes.entry(outcome).or_default() += 1,
            Ok(Err(what)) => wrong.push(format!("seed {seed}: {what}\n  {}", variant.statements.join("\n  "))),
            Err(_) => wrong.push(format!("seed {seed}: panicked\n  {}", variant.statements.join("\n  "))),
        }
    }
    eprintln!("targets: {outcomes:?}");
    assert!(wrong.is_empty(), "{} of {count} targets disagree\n{}", wrong.len(), wrong.join("\n"));
    // A sample in which all variants have the same result would prove nothing.
    if count >= u64::from(SAMPLE) {
        let of = |outcome| outcomes.get(&outcome).copied().unwrap_or(0);
        assert!(of(Outcome::Loaded) * 8 >= count && of(Outcome::RefusedForRows) * 10 >= count, "{outcomes:?}");
    }
}

/// The preflight error of a run, or the text of any other failure.
fn refusal<T>(result: anyhow::Result<T>) -> Result<Option<Fault>, String> {
    match result {
        Ok(_) => Ok(None),
        Err(error) => match error.downcast::<Fault>() {
            Ok(fault) => Ok(Some(fault)),
            Err(error) => Err(format!("{error:#}")),
        },
    }
}

fn try_variant(variant: &Variant) -> Result<Outcome, String> {
    let crm = database(&variant.tables);
    for statement in &variant.statements {
        // Some changes cannot be combined; those that the server rejects are left out.
        let _ = crm.client().execute(statement);
    }
    let role = if variant.is_owner { Role::owner(&crm) } else { Role::loader(&crm) };
    for statement in &variant.for_role {
        let _ = crm.client().execute(&statement.replace("ROLE", &role.name));
    }
    let first = people::first();
    let outcome = agree(&role.theirs, &first, "run-1")?;
    if outcome != Outcome::Loaded {
        return Ok(outcome);
    }
    let again = load_as(&role.theirs, &first, "run-2", 6, ALONE, false);
    match again {
        Ok(report) if !report.changed => {}
        Ok(_) => return Err("a second load of the same datasets changes something".to_owned()),
        Err(error) => return Err(format!("a second load fails: {:?}", error.downcast_ref::<Fault>())),
    }
    agree(&role.theirs, &people::second(), "run-3")
}

/// Checks that dry run and load give the same result. If only rows violate a constraint, the load is tried anyway and must fail.
fn agree(crm: &Database, world: &World, run: &str) -> Result<Outcome, String> {
    let dry = refusal(load_as(crm, world, run, 6, ALONE, true))?;
    let Some(fault) = dry else {
        return match refusal(load_as(crm, world, run, 6, ALONE, false))? {
            None => Ok(Outcome::Loaded),
            Some(fault) => Err(format!("the dry run of {run} was clean, the load fails: {fault:?}")),
        };
    };
    if fault.exit != Exit::Preflight {
        return Err(format!("the dry run of {run} fails instead of refusing: {fault:?}"));
    }
    let open = || Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false);
    let mut loader = open().map_err(|error| format!("{error:#}"))?;
    if loader.preflight.findings.iter().any(|finding| finding.refuses) {
        drop(loader);
        return match refusal(load_as(crm, world, run, 6, ALONE, false))? {
            Some(fault) if fault.exit == Exit::Preflight => Ok(Outcome::RefusedForItsTables),
            other => Err(format!("the dry run of {run} refused, the load does not: {other:?}")),
        };
    }
    let input = Input {
        run_id: run,
        phase: Phase::LAST,
        as_of: AS_OF,
        inputs: run,
        exports: &[],
        kept_ids: &[],
        merges: &[],
        segments: None,
        restore: None,
        data: world,
    };
    loader.prove(&input).map_err(|error| format!("{error:#}"))?;
    loader.preflight.findings.clear();
    match refusal(loader.load(&input, ALONE, false, &|_, _| {}))? {
        Some(_) => Ok(Outcome::RefusedForRows),
        None => Err(format!("the dry run of {run} refused, but the load succeeds: {:?}", fault.help)),
    }
}
