//! The two compared runs: their dataset folders, and the inputs that differ between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use crate::datasets;
use crate::fault::{Exit, Fault};
use crate::model::Source;
use crate::store::{Folder, Manifest};
use crate::tables::{Dataset, dictionary};

/// The dataset folders of one run.
pub struct ComparedRun {
    /// The data folder as the operator wrote it.
    pub name: String,
    /// By their place in the data folder: `stage`, `exports/scl`.
    folders: BTreeMap<String, Folder>,
}

impl ComparedRun {
    /// Opens every complete folder of a data folder.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let mut folders = BTreeMap::new();
        for (stem, _) in stems() {
            let place = dictionary::folder(&stem);
            if !folders.contains_key(&place)
                && let Some(folder) = Folder::find(&path.join(&place))?
            {
                folders.insert(place, folder);
            }
        }
        if folders.is_empty() {
            let fault = Fault::new(Exit::Input, "there are no datasets").at(name);
            return Err(fault
                .help("name a data folder, such as data, or what it held before its last run: data/previous")
                .help("a run record of data/runs holds no datasets: keep the data folder of a rehearsal (DATA_DIR=rehearsal)")
                .into());
        }
        Ok(Self { name, folders })
    }

    /// The folder that holds a dataset, if it does.
    pub fn holder(&self, stem: &str) -> Option<&Folder> {
        let folder = self.folders.get(&dictionary::folder(stem))?;
        folder.manifest.files.contains_key(&format!("{stem}.parquet")).then_some(folder)
    }

    /// Whether the folder of a dataset is there, with or without it.
    pub fn has_folder_of(&self, stem: &str) -> bool {
        self.folders.contains_key(&dictionary::folder(stem))
    }

    /// Folders that only one of two runs has.
    pub fn folders_apart(&self, other: &Self) -> Vec<String> {
        let (one, two): (BTreeSet<&String>, BTreeSet<&String>) = (self.folders.keys().collect(), other.folders.keys().collect());
        let told = one.symmetric_difference(&two);
        told.map(|place| format!("{place} (only in {})", if one.contains(place) { "A" } else { "B" })).collect()
    }

    /// As-of time and phase of the latest step.
    pub fn described(&self) -> String {
        let latest = ["score", "crm", "resolve", "stage"].iter().find_map(|place| self.folders.get(*place));
        let Some(manifest) = latest.or_else(|| self.folders.values().next()).map(|folder| &folder.manifest) else {
            return String::new();
        };
        let phase = manifest.phase.map(|phase| format!(", phase {phase}")).unwrap_or_default();
        format!("as of {}{phase}", manifest.as_of)
    }

    /// What the two runs were made from and that differs, in words; empty if nothing does.
    pub fn inputs_that_differ(&self, other: &Self) -> Vec<String> {
        let mut found = BTreeSet::new();
        for (place, folder) in &self.folders {
            let Some(counterpart) = other.folders.get(place) else { continue };
            let (one, two) = (&folder.manifest, &counterpart.manifest);
            if one.as_of != two.as_of {
                found.insert("as-of time".to_owned());
            }
            if one.phase != two.phase {
                found.insert("phase".to_owned());
            }
            if one.binary != two.binary {
                found.insert("program".to_owned());
            }
            // Of exports the rows count: exporting the same rows again changes nothing.
            match place.strip_prefix("exports/") {
                Some(source) if one.files_hash() != two.files_hash() => _ = found.insert(format!("export of {source}")),
                Some(_) => {}
                None => found.extend(self.changed(other, one, two)),
            }
        }
        found.into_iter().collect()
    }

    fn changed(&self, other: &Self, one: &Manifest, two: &Manifest) -> Vec<String> {
        let names: BTreeSet<&String> = one.inputs.keys().chain(two.inputs.keys()).collect();
        let moved = names.into_iter().filter(|name| one.inputs.get(*name) != two.inputs.get(*name));
        // Where both runs hold the export itself, its rows are compared.
        let has_both = |place: &str| self.folders.contains_key(place) && other.folders.contains_key(place);
        let told = moved.filter_map(|name| match name.as_str() {
            "stage" | "resolve" | "crm" | "score" => None,
            place if has_both(place) => None,
            "settings" => Some("settings".to_owned()),
            "decisions" | "reviews" | "nicknames" | "expectations" => Some(format!("{name}.csv")),
            "segments" => Some("segment definitions".to_owned()),
            "starter_segments" => Some("starter segments".to_owned()),
            other => Some(match other.strip_prefix("exports/") {
                Some(source) => format!("export of {source}"),
                None => other.to_owned(),
            }),
        });
        told.collect()
    }
}

/// Every dataset of every source with its declaration, in the order in which the steps write them.
pub fn stems() -> Vec<(String, Dataset)> {
    let all = datasets::all().into_iter();
    all.flat_map(|dataset| dictionary::stems(&dataset, |_, _| true).into_iter().map(move |stem| (stem, dataset))).collect()
}

/// The source of a staged dataset, and the entity.
pub fn staged(stem: &str) -> Option<(Source, &str)> {
    use crate::model::Code as _;
    let (layer, entity) = stem.split_once("__")?;
    Some((Source::from_code(layer.strip_prefix("stg_")?)?, entity))
}
