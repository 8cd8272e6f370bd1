//! Populations that nothing was tuned on: every column mixes known formats, gaps, broken values and random text.
//!
//! For every seed: no panic, no exit that is not documented, a ledger that balances and proofs that hold (or consolidate fails), no
//! value that the cell does not say, no consent over a withdrawal, and the same bytes on any number of threads.

mod oracle;
#[cfg(feature = "local-postgres")]
mod whole_way;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crm_backfill::cli::Session;
use crm_backfill::config::Config;
use crm_backfill::demo::chaos::{self, Chaos};
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{Code, Source};
use crm_backfill::steps::{consolidate, export, export_crm, resolve, score, stage};
use crm_backfill::store::Layout;

use crate::support::soak;

/// One population on its way from dumps to scores.
struct Run {
    folder: tempfile::TempDir,
    session: Session,
}

impl Run {
    fn new(chaos: &Chaos) -> Self {
        // Thousands of small files: memory does, where there is such a folder.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let mut config = Config::read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("backfill.toml"), true).unwrap();
        config.load.max_reject_ratio = 1.0;
        if !chaos.is_legible {
            config.load.max_unreadable_ratio = 1.0;
            config.load.max_unreadable_decisive = u64::MAX;
        }
        let session = Session::for_test(Layout::new(folder.path().join("data")), config, chaos::as_of());
        chaos::write_dumps(chaos, folder.path()).unwrap();
        Self { folder, session }
    }

    fn steps(&self) -> anyhow::Result<()> {
        for &source in Source::ALL {
            let mut args = export::ExportArgs::default();
            args.dumps.csv = Some(self.folder.path().join(source.code()));
            export::run(&self.session, source, &args)?;
        }
        export_crm::run(&self.session, Default::default())?;
        stage::run(&self.session, Default::default())?;
        resolve::run(&self.session, Default::default())?;
        consolidate::run(&self.session, Default::default())?;
        score::run(&self.session, Default::default())?;
        Ok(())
    }

    fn on(&self, threads: usize) -> anyhow::Result<()> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| self.steps())
    }

    /// Name and hash of every file that the steps made.
    fn fingerprint(&self) -> Vec<(PathBuf, blake3::Hash)> {
        let mut found = Vec::new();
        for folder in ["exports", "stage", "resolve", "crm", "score"] {
            files_below(&self.folder.path().join("data").join(folder), &mut found);
        }
        found.sort();
        let hash = |path: PathBuf| {
            let hash = blake3::hash(&fs::read(&path).unwrap());
            (path.strip_prefix(self.folder.path()).unwrap().to_owned(), hash)
        };
        found.into_iter().map(hash).collect()
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// Goes the way of one seed; what is wrong, if anything.
fn wrong(seed: u64) -> Option<String> {
    let chaos = chaos::make(seed);
    let run = Run::new(&chaos);
    let threads = 1 + usize::try_from(seed % 2).unwrap();
    match catch_unwind(AssertUnwindSafe(|| run.on(threads))) {
        Err(panic) => {
            let said =
                panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            return Some(format!("a panic: {}", said.unwrap_or_default()));
        }
        Ok(Err(error)) => return undocumented(&chaos, &error),
        Ok(Ok(())) => {}
    }
    let mut found = oracle::facts(&chaos, &run.session.layout);
    found.extend(oracle::consent(&chaos, &run.session.layout));
    if seed.is_multiple_of(5) {
        let again = Run::new(&chaos);
        again.on(4).unwrap();
        if again.fingerprint() != run.fingerprint() {
            found.push("other bytes on four threads".to_owned());
        }
    }
    (!found.is_empty()).then(|| found.join("\n  "))
}

/// Nothing where the exit is one that such data may have.
fn undocumented(chaos: &Chaos, error: &anyhow::Error) -> Option<String> {
    let Some(fault) = error.downcast_ref::<Fault>() else { return Some(format!("no fault: {error:?}")) };
    let told = format!("exit {}: {} at {:?}: {:?}", fault.exit.code(), fault.what, fault.at, fault.help);
    (chaos.is_legible || fault.exit != Exit::Rejects).then_some(told)
}

#[test]
fn every_population_of_chaos_goes_the_whole_offline_way() {
    let seeds: Vec<u64> = soak::seeds(300).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let broken = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if let Some(told) = wrong(seed) {
                        let told = format!("CRM_BACKFILL_CASES=1 CRM_BACKFILL_SEED={seed}: {told}");
                        eprintln!("{told}");
                        broken.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    soak::measured("chaos", &[("populations", seeds.len() as u64)]);
    assert!(broken.is_empty(), "{} of {} seeds:\n{}", broken.len(), seeds.len(), broken.join("\n"));
}
