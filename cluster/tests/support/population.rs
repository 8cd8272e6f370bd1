//! Populations of chaos as data folders that the single-machine road has been through.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crm_backfill::cli::Session;
use crm_backfill::config::Config;
use crm_backfill::demo::chaos;
use crm_backfill::model::{Code as _, Source};
use crm_backfill::steps::{consolidate, export, export_crm, resolve, score, stage};
use crm_backfill::store::{Layout, Manifest};

/// The hash of every dataset of the folders that the engines make.
pub type Datasets = BTreeMap<String, blake3::Hash>;

/// A data folder with its settings.
pub struct Population {
    folder: tempfile::TempDir,
    /// Its settings and paths.
    pub session: Session,
}

impl Population {
    /// The population of a seed on the single-machine road, from dumps to scores.
    pub fn of(seed: u64) -> Self {
        Self::with_events(seed, 0)
    }

    /// The same with so many more bookings and messages, each a copy of one of the population under an id of its own. The copies are in
    /// no order, as in a dump that was not sorted.
    pub fn with_events(seed: u64, events: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../backfill.toml")).unwrap();
        // Chaos has more that cannot be read than a migration may have.
        let settings = settings
            .replace("max_reject_ratio = 0.05", "max_reject_ratio = 1.0")
            .replace("max_unreadable_ratio = 0.01", "max_unreadable_ratio = 1.0")
            .replace("max_unreadable_decisive = 1 ", "max_unreadable_decisive = 1000000000 ");
        let config = folder.path().join("backfill.toml");
        std::fs::write(&config, settings).unwrap();
        let config = Config::read(&config, true).unwrap();
        let session = Session::for_test(Layout::new(folder.path().join("data")), config, chaos::as_of());
        let mut population = chaos::make(seed);
        for file in population.files.iter_mut().filter(|file| ["bookings", "messages"].contains(&file.entity)) {
            let id = file.columns.iter().position(|column| *column == "id").unwrap();
            let known = file.rows.clone();
            for number in 0..if known.is_empty() { 0 } else { events } {
                let mut row = known[number % known.len()].clone();
                row[id] = format!("{:07}", number * 7919 % 1_000_003);
                file.rows.push(row);
            }
        }
        chaos::write_dumps(&population, folder.path()).unwrap();
        let population = Self { folder, session };
        population.prepare();
        population
    }

    fn prepare(&self) {
        for &source in Source::ALL {
            let mut args = export::ExportArgs::default();
            args.dumps.csv = Some(self.folder.path().join(source.code()));
            export::run(&self.session, source, &args).unwrap();
        }
        export_crm::run(&self.session, Default::default()).unwrap();
        stage::run(&self.session, Default::default()).unwrap();
        resolve::run(&self.session, Default::default()).unwrap();
        consolidate::run(&self.session, Default::default()).unwrap();
        score::run(&self.session, Default::default()).unwrap();
    }

    /// Its datasets of `data/crm` and `data/score` as they are.
    pub fn datasets(&self) -> Datasets {
        let mut found = Datasets::new();
        for folder in ["crm", "score"] {
            for entry in std::fs::read_dir(self.data(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "parquet") {
                    let name = format!("{folder}/{}", path.file_name().unwrap().display());
                    found.insert(name, blake3::hash(&std::fs::read(path).unwrap()));
                }
            }
        }
        assert!(found.len() > 10, "{found:?}");
        found
    }

    /// A folder of its data.
    pub fn data(&self, folder: &str) -> PathBuf {
        self.folder.path().join("data").join(folder)
    }

    /// The manifest of a folder.
    pub fn manifest(&self, folder: &str) -> Manifest {
        serde_json::from_slice(&std::fs::read(self.data(folder).join("manifest.json")).unwrap()).unwrap()
    }
}
