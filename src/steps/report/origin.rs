//! Where a report comes from: the CRM, the last load and verification, the version, and settings that differ from the defaults.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cli::Session;
use crate::config::Config;
use crate::report::numbers::{ChangedSetting, ReportOrigin};
use crate::steps::inputs;
use crate::store::{Folder, all_run_records};

/// The origin; what did not happen yet is `None`.
pub fn of(session: &Session, verified: Option<&Folder>) -> Result<ReportOrigin> {
    let records = all_run_records(&session.layout)?;
    let last = |step: &str| {
        let is_it = |record: &&Value| record["step"] == step && record["exit"] == 0 && record["result"]["dry_run"] != true;
        records.iter().rev().find(is_it)
    };
    let time = |step: &str| last(step).and_then(|record| record["started_at"].as_str()).map(str::to_owned);
    Ok(ReportOrigin {
        crm: verified.and_then(|folder| folder.manifest.facts.get("place")).cloned(),
        loaded_at: time("load"),
        verified_at: time("verify"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pilot: inputs::pilot(session)?,
        settings: changed_settings(&session.config)?,
    })
}

/// Settings with another value than the default. Expected row counts are facts about the sources, so they are left out.
fn changed_settings(config: &Config) -> Result<Vec<ChangedSetting>> {
    let flat = |config: &Config| -> Result<BTreeMap<String, String>> {
        let mut settings = BTreeMap::new();
        let mut tree = serde_json::to_value(config).context("settings are plain data")?;
        tree.as_object_mut().map(|tree| tree.remove("expect"));
        flatten(String::new(), &tree, &mut settings);
        Ok(settings)
    };
    let (ours, defaults) = (flat(config)?, flat(&Config::default())?);
    let mut names: Vec<&String> = ours.keys().chain(defaults.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |of: &BTreeMap<String, String>, name: &String| of.get(name).cloned().unwrap_or_else(|| "–".to_owned());
    let changed = names.into_iter().filter(|name| ours.get(*name) != defaults.get(*name));
    Ok(changed
        .map(|name| ChangedSetting { name: name.clone(), value: value(&ours, name), default: value(&defaults, name) })
        .collect())
}

/// The leaves of a tree by their paths, `consent.flag_false`.
fn flatten(path: String, tree: &Value, settings: &mut BTreeMap<String, String>) {
    match tree {
        Value::Object(children) if !children.is_empty() => {
            for (name, child) in children {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(path, child, settings);
            }
        }
        leaf => {
            settings.insert(path, leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_listed_exactly_if_it_differs_from_the_default() {
        assert!(changed_settings(&Config::default()).unwrap().is_empty());
        let mut config = Config::default();
        config.expect.insert("scl".to_owned(), BTreeMap::new());
        config.tenants.default = "9".to_owned();
        config.tenants.map.insert("scl".to_owned(), BTreeMap::from([("17".to_owned(), "1".to_owned())]));
        let changed = changed_settings(&config).unwrap();
        let shown: Vec<_> = changed.iter().map(|of| [&of.name, &of.value, &of.default].map(String::as_str)).collect();
        // An empty table is a leaf of its own.
        assert_eq!(shown, [["tenants.default", "9", "default"], ["tenants.map", "–", "{}"], ["tenants.map.scl.17", "1", "–"]]);
    }
}
