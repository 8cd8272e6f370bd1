//! Shared by the cases: dumps with a few odd cells, exported and staged by the commands.

use std::fs;
use std::path::PathBuf;

use crm_backfill::cli::Session;
use crm_backfill::config::Config;
use crm_backfill::fault::Fault;
use crm_backfill::model::{Code, Source, Timestamp};
use crm_backfill::sources::exports;
use crm_backfill::steps::{export, stage};
use crm_backfill::store::{Folder, Layout};
use crm_backfill::tables::Table;
use crm_backfill::tables::check::rejects;

/// Dumps of five sources, empty except for the rows of a case.
pub struct Bench {
    folder: tempfile::TempDir,
    pub session: Session,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("backfill.toml"), true).unwrap();
        let as_of = Timestamp::parse("2025-12-01T00:00:00Z").unwrap();
        let bench = Self { session: Session::for_test(Layout::new(folder.path().join("data")), config, as_of), folder };
        for &source in Source::ALL {
            fs::create_dir_all(bench.dumps(source)).unwrap();
            for export in exports(source) {
                bench.write(source, export.entity, format!("{}\n", columns(source, export.entity).join(",")));
            }
        }
        bench
    }

    fn dumps(&self, source: Source) -> PathBuf {
        self.folder.path().join("dumps").join(source.code())
    }

    /// Writes a dump byte by byte.
    pub fn write(&self, source: Source, entity: &str, text: impl AsRef<[u8]>) {
        fs::write(self.dumps(source).join(format!("{entity}.csv")), text).unwrap();
    }

    /// The text of a dump.
    pub fn read(&self, source: Source, entity: &str) -> String {
        fs::read_to_string(self.dumps(source).join(format!("{entity}.csv"))).unwrap()
    }

    /// Changes the text of a dump.
    pub fn edit(&self, source: Source, entity: &str, change: impl FnOnce(String) -> String) {
        self.write(source, entity, change(self.read(source, entity)));
    }

    /// Writes rows with values in some columns; the others are empty.
    pub fn rows(&self, source: Source, entity: &str, named: &[&str], rows: &[&[&str]]) {
        let columns = columns(source, entity);
        assert!(named.iter().all(|name| columns.contains(name)), "{named:?}");
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&columns).unwrap();
        for row in rows {
            let cell = |column: &&str| named.iter().position(|name| name == column).map_or("", |at| row[at]);
            writer.write_record(columns.iter().map(cell)).unwrap();
        }
        self.write(source, entity, writer.into_inner().unwrap());
    }

    /// Exports one source.
    pub fn export(&self, source: Source, change: impl FnOnce(&mut export::ExportArgs)) -> anyhow::Result<Folder> {
        let mut args = export::ExportArgs::default();
        args.dumps.csv = Some(self.dumps(source));
        change(&mut args);
        export::run(&self.session, source, &args)?;
        Folder::open(&self.session.layout.exports(source))
    }

    /// Exports all sources and stages them.
    pub fn try_stage(&self) -> anyhow::Result<Folder> {
        for &source in Source::ALL {
            self.export(source, |_| ())?;
        }
        stage::run(&self.session, stage::StageArgs::default())?;
        Folder::open(&self.session.layout.stage())
    }

    pub fn stage(&self) -> Folder {
        self.try_stage().unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// The exit code and output of a run that must fail.
    pub fn fault(&self) -> (Fault, String) {
        let fault = self.try_stage().expect_err("the run should fail").downcast::<Fault>().unwrap();
        let told = format!("{} | {} | {}", fault.what, fault.at.clone().unwrap_or_default(), fault.help.join(" | "));
        (fault, told)
    }
}

fn columns(source: Source, entity: &str) -> Vec<&'static str> {
    let export = exports(source).into_iter().find(|export| export.entity == entity).unwrap();
    export.dataset.columns.iter().map(|column| column.name).collect()
}

/// A line per row of a staged dataset.
pub fn shown<T: Table>(folder: &Folder, source: Source, show: impl Fn(T::Row<'_>) -> String) -> Vec<String> {
    use crm_backfill::tables::Columns as _;
    let batches = folder.read_all::<T>(Some(source)).unwrap();
    batches.iter().flat_map(|columns| (0..columns.len()).map(|row| show(T::row(columns, row))).collect::<Vec<_>>()).collect()
}

/// Every reject as `entity id column reason`.
pub fn rejected(folder: &Folder) -> Vec<String> {
    let batches = folder.read_all::<rejects::Table>(None).unwrap();
    let rows = batches.iter().flat_map(|columns| columns.rows());
    rows.map(|row| format!("{} {} {} {}", row.entity, row.source_id, row.column.unwrap_or("-"), row.reason)).collect()
}

#[test]
fn reused_sources_are_the_same_bytes_as_all_staged_again() {
    let bench = Bench::new();
    bench.rows(Source::Scl, "members", &["id", "email"], &[&["1", "anna@mail.test"]]);
    bench.rows(Source::Teetime, "players", &["id", "email", "phone"], &[&["1", "Bea@Mail.test ", "not a phone"]]);
    bench.stage();
    bench.rows(Source::Scl, "members", &["id", "email"], &[&["1", "anna@mail.test"], &["2", "CLEO@mail.test"]]);
    let reused = bench.stage().manifest;
    let again = crm_backfill::steps::Again { force: true };
    stage::run(&bench.session, stage::StageArgs { again, ..stage::StageArgs::default() }).unwrap();
    let forced = Folder::open(&bench.session.layout.stage()).unwrap().manifest;
    assert_eq!((reused.files, reused.counts), (forced.files, forced.counts));
}
