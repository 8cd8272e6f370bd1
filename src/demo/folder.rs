//! The marker file of a demo data folder.

use std::fs;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::fault::{Exit, Fault};
use crate::model::Timestamp;
use crate::store::{Layout, io_fault, read_text, replace_file};

use super::population::DemoPopulation;

/// The settings that the demo's data was generated with. Equal markers mean equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// Version of this file.
    pub format: u32,
    /// Name of the [`super::DemoPopulation`].
    pub population: String,
    /// Size; 1 is the strategy's estimates.
    pub scale: f64,
    /// Seed.
    pub seed: u64,
    /// The point in time at which the data ends.
    pub as_of: String,
    /// The crate's version, because another version may generate other data.
    pub version: String,
}

impl Marker {
    /// The marker for new data.
    pub fn new(population: &DemoPopulation, scale: f64, seed: u64, as_of: Timestamp) -> Self {
        Self {
            format: 1,
            population: population.name.to_owned(),
            scale,
            seed,
            as_of: as_of.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The marker of a data folder; `None` if the folder is not a demo.
    pub fn read(layout: &Layout) -> Result<Option<Self>> {
        let path = layout.demo_marker();
        let Some(text) = read_text(&path)? else { return Ok(None) };
        // An unreadable marker was written by an older version. The folder is still a demo folder, with other data.
        Ok(Some(
            serde_json::from_str(&text)
                .unwrap_or_else(|_| Self { format: 0, ..Self::new(&DemoPopulation::ORDINARY, 0.0, 0, Timestamp(0)) }),
        ))
    }

    /// Marks a data folder.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).context("a marker is plain data")?;
        replace_file(&layout.demo_marker(), &text)
    }
}

/// Refuses a folder with exports that are not from the demo.
pub fn refuse_foreign(layout: &Layout) -> Result<()> {
    let exports = layout.root().join("exports");
    let holds_exports = exports.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if holds_exports && Marker::read(layout)?.is_none() {
        return Err(Fault::new(Exit::Preflight, "the folder holds exports that are not from the demo")
            .at(exports.display().to_string())
            .help("use another folder: make demo DATA_DIR=demo-data")
            .into());
    }
    Ok(())
}

/// Removes the marker and all data of the previous population, including exports. Run folders and the server are kept.
pub fn clear(layout: &Layout) -> Result<()> {
    let made =
        ["exports", "stage", "resolve", "resolve-strategy", "crm", "score", "verify", "report", "previous", "failed", "demo"];
    for folder in made.map(|name| layout.root().join(name)) {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io_fault("remove", &folder, &error).into()),
            _ => {}
        }
    }
    for file in [layout.as_of(), layout.views(), layout.checklist(), layout.demo_marker()] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io_fault("remove", &file, &error).into()),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_marked_folder_is_the_demos() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        refuse_foreign(&layout).unwrap();
        fs::create_dir_all(layout.exports_crm()).unwrap();
        let refused = refuse_foreign(&layout).unwrap_err();
        assert_eq!(refused.downcast_ref::<Fault>().unwrap().exit, Exit::Preflight);
        let marker = Marker::new(&DemoPopulation::ORDINARY, 0.02, 1, crate::demo::default_as_of());
        marker.write(&layout).unwrap();
        refuse_foreign(&layout).unwrap();
        assert_eq!(Marker::read(&layout).unwrap(), Some(marker));
        clear(&layout).unwrap();
        assert!(Marker::read(&layout).unwrap().is_none() && !layout.exports_crm().exists());
    }

    #[test]
    fn a_marker_of_another_version_is_still_a_mark() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        fs::write(layout.demo_marker(), "scale 1").unwrap();
        let marker = Marker::read(&layout).unwrap().unwrap();
        assert_ne!(marker, Marker::new(&DemoPopulation::ORDINARY, 0.02, 1, crate::demo::default_as_of()));
    }
}
