//! `status`: shows what is exported, staged and loaded, at which as-of time and phase, and the outcome of the last commit.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::thousands;
use crate::model::{Code, Source};
use crate::pg::load::{Standing, outcome_of, standing};
use crate::steps::binding;
use crate::steps::load::CRM_URL;
use crate::store::{Folder, run_records};
use crate::tables::stage::people;

/// Arguments of `status`.
#[derive(clap::Args, Debug, Default)]
pub struct StatusArgs {
    /// Show the data folder only
    #[arg(long)]
    pub offline: bool,
}

/// Shows the status; changes nothing and takes no lock.
pub fn run(session: &Session, args: StatusArgs) -> Result<StepOutcome> {
    let layout = &session.layout;
    let mut text = String::new();
    let mut folders = serde_json::Map::new();
    let mut note = |name: &str, path: &Path| -> Result<()> {
        match Folder::find(path) {
            // A damaged folder is reported; the others are still shown.
            Err(error) => {
                text.push_str(&format!(" {name:<20} ! {error}\n"));
                folders.insert(name.to_owned(), json!({ "error": error.to_string() }));
            }
            Ok(None) => {
                text.push_str(&format!(" {name:<20} –\n"));
                folders.insert(name.to_owned(), Value::Null);
            }
            Ok(Some(folder)) => {
                let manifest = &folder.manifest;
                let rows: u64 = manifest.files.values().map(|file| file.rows).sum();
                let phase = manifest.phase.map_or_else(String::new, |phase| format!("phase {phase}, "));
                text.push_str(&format!(" {name:<20} {phase}as of {}, {} rows\n", manifest.as_of, thousands(rows)));
                folders.insert(name.to_owned(), json!({ "phase": manifest.phase, "as_of": manifest.as_of, "rows": rows }));
            }
        }
        Ok(())
    };
    for &source in Source::ALL {
        note(&format!("exports/{}", source.code()), &layout.exports(source))?;
    }
    note("exports/crm", &layout.exports_crm())?;
    let steps = [
        ("stage", layout.stage()),
        ("resolve", layout.resolve()),
        ("crm", layout.crm()),
        ("score", layout.score()),
        ("verify", layout.verify()),
        ("report", layout.report()),
    ];
    for (name, path) in steps {
        note(name, &path)?;
    }
    let moved = moved(session);
    for line in &moved {
        text.push_str(&format!(" ! {line}\n"));
    }
    let people = people(session)?;
    for ((source, tenant, rule), count) in &people {
        text.push_str(&format!(" people               {:>10} of {source}, tenant {tenant} by {rule}\n", thousands(*count)));
    }
    let doubtful = doubtful_run(session)?;
    let mut fault = None;
    let target = match session.environment.dsn(CRM_URL).filter(|_| !args.offline).map(|dsn| standing(&dsn)) {
        None => Value::Null,
        // The state of the data folder is still shown.
        Some(Err(error)) => {
            let found = error.downcast::<Fault>().unwrap_or_else(|error| Fault::new(Exit::Failed, error.to_string()));
            text.push_str(&format!(" CRM                  {}\n", found.what));
            let told = json!({ "error": found.what });
            fault = Some(found);
            told
        }
        Some(Ok(standing)) => {
            text.push_str(&describe(&standing));
            json!({
                "place": standing.place,
                "has_tables": standing.has_tables,
                "profiles": standing.own_profiles,
                "profiles_of_others": standing.other_profiles,
                "last_run": standing.last.as_ref().map(|run| json!({
                    "id": run.id, "command": run.command, "phase": run.phase, "as_of": run.as_of, "started_at": run.started_at,
                })),
            })
        }
    };
    let mut commit = Value::Null;
    if let Some(run) = doubtful {
        let known = match session.environment.dsn(CRM_URL).filter(|_| !args.offline) {
            Some(dsn) => outcome_of(&dsn, &run).ok(),
            None => None,
        };
        let words = match known {
            Some(true) => "it committed",
            Some(false) => "it did not commit: the CRM is as it was before",
            None => "still not known",
        };
        text.push_str(&format!(" commit of run {run}: {words}\n"));
        commit = json!({ "run": run, "committed": known });
        if known.is_none() {
            fault = Some(
                Fault::new(Exit::Unknown, "the outcome of the last commit is not known").help("ask again when the CRM answers"),
            );
        }
    }
    let people: Vec<Value> = people
        .iter()
        .map(|((source, tenant, rule), count)| json!({ "source": source, "tenant": tenant, "rule": rule, "people": count }))
        .collect();
    let summary = json!({ "folders": folders, "moved": moved, "people": people, "crm": target, "commit": commit });
    Ok(StepOutcome::new(text, summary).fault(fault))
}

/// Why the next load would fail: inputs of the datasets that have changed.
fn moved(session: &Session) -> Vec<String> {
    let Err(error) = binding::require_unmoved(session) else { return Vec::new() };
    match error.downcast::<Fault>() {
        Ok(fault) => std::iter::once(fault.what).chain(fault.help).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// Records that a tenant without settings must have before its id is shown.
const FEW: u64 = 3;

/// Staged person records by source, tenant and the rule that gave it.
fn people(session: &Session) -> Result<BTreeMap<(String, String, String), u64>> {
    let mut counts = BTreeMap::new();
    let Some(folder) = Folder::find_readable(&session.layout.stage()) else { return Ok(counts) };
    for &source in Source::ALL.iter().filter(|source| folder.has::<people::Table>(Some(**source))) {
        for batch in folder.read::<people::Table>(Some(source))? {
            for row in batch?.rows() {
                let tenant = row.tenant_id.unwrap_or("none").to_owned();
                *counts.entry((source.to_string(), tenant, row.tenant_rule.to_string())).or_default() += 1;
            }
        }
    }
    let config = &session.config.tenants;
    let mut shown = BTreeMap::new();
    for ((source, tenant, rule), people) in counts {
        // In a dump with shifted columns the tenant may be personal data, so rare ones are only counted.
        let is_known = tenant == "none" || tenant == config.default || config.regions.contains_key(&tenant);
        let tenant = if is_known || people >= FEW { tenant } else { "rare (not shown)".to_owned() };
        *shown.entry((source, tenant, rule)).or_default() += people;
    }
    Ok(shown)
}

/// The last load or rollback, if the outcome of its commit is unknown.
fn doubtful_run(session: &Session) -> Result<Option<String>> {
    let mut latest: Option<(String, bool)> = None;
    for step in ["load", "rollback"] {
        let Some(record) = run_records(&session.layout, step)?.into_iter().next() else { continue };
        let record: Value = serde_json::from_str(&record).unwrap_or(Value::Null);
        let Some(run) = record["run"].as_str() else { continue };
        if latest.as_ref().is_none_or(|(known, _)| known.as_str() < run) {
            latest = Some((run.to_owned(), record["exit"] == Exit::Unknown.code()));
        }
    }
    Ok(latest.filter(|(_, doubtful)| *doubtful).map(|(run, _)| run))
}

fn describe(standing: &Standing) -> String {
    if !standing.has_tables {
        return format!(" CRM                  {}: the CRM's tables do not exist\n", standing.place);
    }
    let mut text = format!(
        " CRM                  {}: {} of our profiles, {} foreign profiles\n",
        standing.place,
        thousands(standing.own_profiles),
        thousands(standing.other_profiles)
    );
    match &standing.last {
        None => text.push_str(" last run             none\n"),
        Some(run) => {
            let phase = run.phase.map_or_else(String::new, |phase| format!(" of phase {phase}"));
            let as_of = run.as_of.as_ref().map_or_else(String::new, |as_of| format!(", as of {as_of}"));
            text.push_str(&format!(" last run             {}{phase}{as_of}, at {} ({})\n", run.command, run.started_at, run.id));
        }
    }
    text
}
