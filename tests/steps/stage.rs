//! Staging as a step, offline: from dumps to staged datasets, and everything that it must refuse.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use crm_backfill::cli::Session;
use crm_backfill::config::Config;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::{Code, Phase, Source, Timestamp};
use crm_backfill::steps::{export, stage};
use crm_backfill::store::{Folder, Layout};
use crm_backfill::tables::Table as _;
use crm_backfill::tables::stage::people;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A data folder with the exports of dumps.
struct Bench {
    folder: tempfile::TempDir,
    session: Session,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::read(&root().join("backfill.toml"), true).unwrap();
        let session =
            Session::for_test(Layout::new(folder.path().join("data")), config, Timestamp::parse("2026-11-22T08:00:00Z").unwrap());
        Self { folder, session }
    }

    /// Copies the committed dumps of a source, to be changed before they are exported.
    fn dumps(&self, source: Source) -> PathBuf {
        let dumps = self.folder.path().join("dumps").join(source.code());
        fs::create_dir_all(&dumps).unwrap();
        for entry in fs::read_dir(root().join("tests/fixtures").join(source.code())).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dumps.join(entry.file_name())).unwrap();
        }
        dumps
    }

    fn export(&self, source: Source, dumps: &Path) {
        let args = export::ExportArgs {
            dumps: export::dumps::DumpArgs { csv: Some(dumps.to_path_buf()), ..Default::default() },
            ..Default::default()
        };
        export::run(&self.session, source, &args).unwrap();
    }

    fn export_all(&self) {
        for &source in Source::ALL {
            self.export(source, &self.dumps(source));
        }
    }

    fn stage(&self) -> anyhow::Result<Folder> {
        stage::run(&self.session, stage::StageArgs::default())?;
        Folder::open(&self.session.layout.stage())
    }

    fn fault(&self) -> Fault {
        stage::run(&self.session, stage::StageArgs::default()).unwrap_err().downcast::<Fault>().unwrap()
    }
}

/// Every dataset with rows, one line per row, without null columns.
fn text(folder: &Folder, starts: &str) -> String {
    let mut text = String::new();
    for name in folder.manifest.files.keys().filter(|name| name.starts_with(starts)) {
        let stem = name.trim_end_matches(".parquet");
        for batch in folder.read_stem(stem).unwrap() {
            let batch = batch.unwrap();
            text.push_str(&format!("# {stem}\n"));
            let options = FormatOptions::default().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.3fZ"));
            let printable: Vec<_> = batch.columns().iter().map(crm_backfill::tables::printable).collect();
            let cells: Vec<_> =
                printable.iter().map(|array| ArrayFormatter::try_new(array.as_ref(), &options).unwrap()).collect();
            let schema = batch.schema();
            for row in 0..batch.num_rows() {
                let filled = schema.fields().iter().zip(&cells).zip(batch.columns()).filter(|(_, array)| !array.is_null(row));
                let shown = filled.map(|((field, cell), _)| format!("{}={}", field.name(), cell.value(row)));
                text.push_str(&shown.collect::<Vec<_>>().join(" | "));
                text.push('\n');
            }
        }
    }
    text
}

#[test]
fn golden_the_fixtures_are_staged_as_reviewed() {
    let bench = Bench::new();
    bench.export_all();
    // Most of the fixtures are broken on purpose: more than the usual share of rows is left out.
    let mut bench = bench;
    bench.session.config.load.max_reject_ratio = 0.5;
    let folder = bench.stage().unwrap();
    let golden = root().join("tests/golden/stage");
    let parts =
        Source::ALL.iter().map(|source| (source.code(), format!("stg_{source}__"))).chain([("check", "check__".to_owned())]);
    for (name, starts) in parts {
        let path = golden.join(format!("{name}.txt"));
        let staged = text(&folder, &starts);
        if std::env::var_os("CRM_BACKFILL_GOLDEN").is_some() {
            fs::create_dir_all(&golden).unwrap();
            fs::write(&path, &staged).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(staged, expected, "{} differs: make golden, then read the diff", path.display());
    }
}

#[test]
fn staging_again_does_nothing_unless_a_map_has_changed() {
    let mut bench = Bench::new();
    bench.session.phase = Phase::new(2);
    for source in [Source::McaZa, Source::McaUk, Source::Scl] {
        bench.export(source, &bench.dumps(source));
    }
    let first = bench.stage().unwrap().manifest;
    assert_eq!((first.phase, first.count("rows.mca_za.members")), (Some(2), 8));
    let again = stage::run(&bench.session, stage::StageArgs::default()).unwrap();
    assert!(again.text.contains("nothing to do"), "{}", again.text);

    let reference = bench.folder.path().join("reference");
    fs::create_dir_all(&reference).unwrap();
    let statuses = fs::read_to_string(root().join("data/reference/statuses.csv")).unwrap();
    fs::write(reference.join("statuses.csv"), format!("{statuses}hibernating,ACTIVE,\n")).unwrap();
    bench.session.config.paths.reference = reference.clone();
    let second = bench.stage().unwrap().manifest;
    assert_ne!(first.inputs, second.inputs);
    assert!(second.count("reason.STATUS_UNMAPPED") < first.count("reason.STATUS_UNMAPPED"));

    fs::write(reference.join("statuses.csv"), "code,status,tag\nactive,ACTIV,\n").unwrap();
    let fault = bench.fault();
    assert_eq!(fault.exit, Exit::Usage);
    assert!(fault.what.starts_with("line 2:") && fault.at.unwrap().ends_with("statuses.csv"));
}

#[test]
fn too_many_rows_left_out_stop_the_run_and_nothing_is_replaced() {
    let mut bench = Bench::new();
    bench.session.phase = Phase::new(1);
    let dumps = bench.dumps(Source::McaZa);
    bench.export(Source::McaZa, &dumps);
    bench.export(Source::McaUk, &bench.dumps(Source::McaUk));
    let before = bench.stage().unwrap().manifest;
    let members = fs::read_to_string(dumps.join("members.csv")).unwrap();
    let second = members.lines().nth(1).unwrap();
    fs::write(dumps.join("members.csv"), format!("{members}{second}\n")).unwrap();
    bench.export(Source::McaZa, &dumps);
    let fault = bench.fault();
    assert_eq!((fault.exit, fault.at.as_deref()), (Exit::Rejects, Some("mca_za.members")));
    assert!(fault.help[0].contains("DUP_SOURCE_ID"), "{:?}", fault.help);
    assert_eq!(Folder::open(&bench.session.layout.stage()).unwrap().manifest, before);

    bench.session.config.load.max_reject_ratio = 0.2;
    let folder = bench.stage().unwrap();
    assert_eq!(folder.manifest.count("left_out.mca_za.members"), 1);
    assert!(text(&folder, "check__rejects").contains("source_id=1#10 | line=10 | reason=DUP_SOURCE_ID"));
}

#[test]
fn values_that_the_exporter_could_not_read_are_counted() {
    let mut bench = Bench::new();
    bench.session.phase = Phase::new(1);
    bench.export(Source::McaUk, &bench.dumps(Source::McaUk));
    let dumps = bench.dumps(Source::McaZa);
    let clubs = fs::read_to_string(dumps.join("member_clubs.csv")).unwrap();
    fs::write(dumps.join("member_clubs.csv"), clubs.replace("2016-01-01", "soon") + "3,7\n").unwrap();
    bench.export(Source::McaZa, &dumps);
    let fault = bench.fault();
    assert_eq!((fault.exit, fault.at.as_deref()), (Exit::Rejects, Some("mca_za.member_clubs")));
    assert!(fault.help[0].contains("LINE_FIELD_COUNT"), "{:?}", fault.help);

    bench.session.config.load.max_reject_ratio = 0.5;
    let folder = bench.stage().unwrap();
    assert_eq!(folder.manifest.count("left_out.mca_za.member_clubs"), 1);
    let checks = text(&folder, "check__");
    assert!(checks.contains("column=joined_on | effect=REJECTED | reason=DATE_INVALID | value_count=1"), "{checks}");
    assert!(checks.contains("line=5 | reason=LINE_FIELD_COUNT"), "{checks}");
}

#[test]
fn a_column_that_proves_two_date_orders_is_refused() {
    let mut bench = Bench::new();
    bench.session.phase = Phase::new(1);
    let dumps = bench.dumps(Source::McaZa);
    let members = fs::read_to_string(dumps.join("members.csv")).unwrap();
    fs::write(dumps.join("members.csv"), members.replace("01/01/1900", "03/25/1980")).unwrap();
    bench.export(Source::McaZa, &dumps);
    bench.export(Source::McaUk, &bench.dumps(Source::McaUk));
    let fault = bench.fault();
    assert_eq!(fault.exit, Exit::Input);
    assert!(fault.what.contains("members.csv") && fault.what.contains("two orders"), "{}", fault.what);
}

#[test]
fn the_original_rows_of_refused_values_are_written_only_when_asked_for() {
    let mut bench = Bench::new();
    bench.session.phase = Phase::new(1);
    for source in [Source::McaZa, Source::McaUk] {
        bench.export(source, &bench.dumps(source));
    }
    let plain = bench.stage().unwrap();
    assert!(!plain.manifest.files.keys().any(|name| name.ends_with(".csv")));
    bench.session.phase = None;
    let shown = stage::run(&bench.session, stage::StageArgs { with_values: true, ..stage::StageArgs::default() }).unwrap();
    bench.session.phase = Phase::new(1);
    assert_eq!(bench.stage().unwrap().manifest, plain.manifest, "what later steps are made of is as it was");
    let path = bench.session.layout.rejects().join("rejects_mca_za__members.csv");
    let told = format!("personal data, readable by you only: {}/*.csv", bench.session.layout.rejects().display());
    assert!(shown.text.contains(&told) && shown.text.contains("files of rejected rows ("), "{}", shown.text);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("reject_reason,reject_column,reject_line,mca_za_id,email,"));
    assert!(text.lines().any(|line| line.starts_with("PHONE_SCIENTIFIC,phone_number,6,5,")), "{text}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn raw_copies_are_in_the_file_and_no_later_step_reads_them() {
    let mut bench = Bench::new();
    bench.session.phase = Phase::new(1);
    for source in [Source::McaZa, Source::McaUk] {
        bench.export(source, &bench.dumps(source));
    }
    let folder = bench.stage().unwrap();
    let copies = ["email_raw", "phone_raw", "first_name_raw", "last_name_raw", "born_raw", "gender_raw", "handicap_raw"];
    let batch = folder.read_stem("stg_mca_za__people").unwrap().next().unwrap().unwrap();
    for copy in copies {
        let column = batch.column_by_name(copy).unwrap();
        assert!(column.null_count() < column.len(), "{copy} is filled");
    }
    let mut read = folder.read::<people::Table>(Some(Source::McaZa)).unwrap();
    let seen = read.next_batch().unwrap().unwrap();
    assert_eq!(seen.num_columns() + copies.len(), batch.num_columns());
    let columns = people::Table::columns(&seen).unwrap();
    assert!(columns.rows().all(|row| row.email_raw.is_none() && row.first_name_raw.is_none()));
    assert!(columns.rows().any(|row| row.email.is_some() && row.first_name.is_some()));
}

#[test]
fn the_same_bytes_come_out_of_one_thread_and_of_four() {
    let bench = Bench::new();
    bench.export_all();
    let mut bench = bench;
    bench.session.config.load.max_reject_ratio = 0.5;
    let files = |threads: usize| {
        fs::remove_dir_all(bench.session.layout.stage()).unwrap_or_default();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bench.stage().unwrap().manifest.files)
    };
    assert_eq!(files(1), files(4));
}
