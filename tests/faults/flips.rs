//! Single flipped bits in every file of a data folder: detected before anything is read, and repaired by the step that wrote the
//! file.

use std::fs;
use std::path::{Path, PathBuf};

use crm_backfill::store::Folder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::golden::exported;
use crate::support::soak::{self, Random};
use crate::support::workdir::Workdir;

/// Folders with a manifest, in the order of the steps.
const FOLDERS: [&str; 10] = [
    "exports/mca_za",
    "exports/mca_uk",
    "exports/scl",
    "exports/teetime",
    "exports/messaging",
    "exports/crm",
    "stage",
    "resolve",
    "crm",
    "score",
];

fn whole() -> Workdir {
    let workdir = exported();
    for step in ["stage", "resolve", "consolidate", "score"] {
        workdir.ok(step, &[]);
    }
    workdir
}

/// Every file of every folder that exists.
fn files(workdir: &Workdir) -> Vec<PathBuf> {
    let folders = FOLDERS.iter().map(|folder| workdir.data().join(folder)).filter(|folder| folder.exists());
    folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()).collect()
}

/// The position of the binary's hash in a manifest, the only part that the manifest's own hash excludes.
fn binary_hash(bytes: &[u8]) -> std::ops::Range<usize> {
    let Ok(text) = std::str::from_utf8(bytes) else { return 0..0 };
    let Some(start) = text.find("\"binary\": \"").map(|at| at + 11) else { return 0..0 };
    start..start + text[start..].find('"').unwrap_or(0)
}

fn flipped(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let skipped = binary_hash(bytes);
    let mut at = random.below(bytes.len());
    while skipped.contains(&at) {
        at = random.below(bytes.len());
    }
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << random.below(8);
    bytes
}

/// Whether reading a Parquet file whole without a manifest would give an error.
fn parquet_notices(path: &Path) -> bool {
    let read = || {
        let Ok(reader) = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()) else { return true };
        let Ok(mut reader) = reader.build() else { return true };
        reader.any(|batch| batch.is_err())
    };
    // Some flips make the reader of the embedded schema panic. That counts as detected.
    std::panic::catch_unwind(read).unwrap_or(true)
}

#[test]
fn one_flipped_bit_in_any_file_is_always_noticed() {
    let workdir = whole();
    let files = files(&workdir);
    assert!(files.len() > 60, "{}", files.len());
    let (mut tried, mut unnoticed_by_parquet) = (0, 0);
    for seed in soak::seeds(8) {
        let mut random = Random::new(seed);
        for path in &files {
            let bytes = fs::read(path).unwrap();
            fs::write(path, flipped(&bytes, &mut random)).unwrap();
            let noticed = Folder::open(path.parent().unwrap()).and_then(|folder| folder.check());
            assert!(noticed.is_err(), "seed {seed}: {}", path.display());
            tried += 1;
            if path.extension().is_some_and(|end| end == "parquet") && seed % 4 == 0 {
                unnoticed_by_parquet += u64::from(!parquet_notices(path));
            }
            fs::write(path, bytes).unwrap();
        }
    }
    // The control: without the manifest's hash some of them would be read as other values.
    assert!(unnoticed_by_parquet > 0);
    let figures =
        [("flipped bits, all noticed", tried), ("of a sample, read by Parquet alone without an error", unnoticed_by_parquet)];
    soak::measured("bit-flips", &figures);
}

#[test]
fn a_damaged_folder_stops_readers_and_is_rebuilt_by_its_step() {
    let workdir = whole();
    for (folder, step, reader) in
        [("stage", "stage", "resolve"), ("resolve", "resolve", "consolidate"), ("crm", "consolidate", "score")]
    {
        let before = workdir.fingerprint(folder);
        let path = workdir.data().join(folder);
        let names: Vec<PathBuf> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        let dataset = names
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
            .max_by_key(|path| fs::metadata(path).unwrap().len());
        for file in [dataset.unwrap().clone(), path.join("manifest.json")] {
            let mut bytes = fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(&file, bytes).unwrap();
            workdir.run(reader, &["--force"]).exits(11).says(&format!("make {step}"));
            workdir.ok(step, &[]).says("it is made again");
            assert_eq!(workdir.fingerprint(folder), before, "{}", file.display());
        }
        workdir.ok(step, &[]).says("nothing to do");
        let forced = workdir.ok(step, &["--force"]);
        assert!(!forced.stdout.contains("nothing to do"), "{}", forced.stdout);
        assert_eq!(workdir.fingerprint(folder), before, "made again, byte for byte");
    }
}

#[test]
fn a_damaged_export_is_exported_again_with_if_missing() {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", crate::support::world::AS_OF);
    for (variable, url) in crate::support::world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    workdir.ok("export-scl", &[]);
    let file = workdir.data().join("exports/scl/raw_scl__members.parquet");
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 3] ^= 1;
    fs::write(&file, bytes).unwrap();
    workdir.ok("export-scl", &["--if-missing"]).says("it is exported again");
    assert_eq!(fs::read(&file).unwrap(), whole);
    workdir.ok("export-scl", &["--if-missing"]).says("the saved export");
}

/// A manifest that was edited by hand, without and with a recomputed hash.
#[test]
fn an_edited_manifest_is_refused_even_with_a_new_hash() {
    let workdir = whole();
    for (folder, name, reader, step) in [
        ("crm", "crm__activities.parquet", "score", "consolidate"),
        ("resolve", "res__links.parquet", "consolidate", "resolve"),
        ("stage", "stg_scl__people.parquet", "resolve", "stage"),
    ] {
        let path = workdir.data().join(folder).join("manifest.json");
        let text = fs::read_to_string(&path).unwrap();
        let mut without = Folder::open(&workdir.data().join(folder)).unwrap().manifest;
        without.files.remove(name).unwrap();
        fs::write(&path, without.sealed().unwrap()).unwrap();
        workdir.run(reader, &[]).exits(11).says(&format!("it does not list {}", name.trim_end_matches(".parquet")));
        let mut empty = Folder::open(&workdir.data().join(folder)).unwrap().manifest;
        let entry: crm_backfill::store::FileEntry =
            serde_json::from_value(serde_json::from_str::<serde_json::Value>(&text).unwrap()["files"][name].clone()).unwrap();
        empty.files.insert(name.to_owned(), crm_backfill::store::FileEntry { rows: 0, ..entry });
        fs::write(&path, empty.sealed().unwrap()).unwrap();
        workdir.run(reader, &["--force"]).exits(11).says("its manifest says 0");
        fs::write(&path, text.replacen("\"rows\": ", "\"rows\":  ", 1)).unwrap();
        workdir.run(reader, &[]).exits(11).says("edited or damaged").says(&format!("make {step}"));
        fs::write(&path, text).unwrap();
    }
}
