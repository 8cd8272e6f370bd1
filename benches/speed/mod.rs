//! Speed and memory from staged batches to links, and that the time of a hub grows in proportion to its size.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

use crm_backfill::demo::{DemoPopulation, people};
use crm_backfill::model::{Code as _, RecordKey, Source, record_order};
use crm_backfill::resolve::{Gathering, Memory, Nicknames, ResolveOptions, resolve};
use crm_backfill::tables::stage::people as stage_people;
use crm_backfill::tables::{Columns as _, Table as _};

use crate::truth::{Raw, Truth, demo, staged};

/// Records per batch, as in staged files.
const BATCH: usize = 16_384;

/// Processor time of this process and all its threads.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // User and system time follow the state and ten numbers, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let hundredths = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (hundredths(11) + hundredths(12)))
}

/// A line of /proc/self/status in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim_start_matches(':').split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0) * 1024
}

/// Writes a population as staging does, then measures in a separate process, so that memory freed earlier does not affect the
/// result.
pub fn told(scale: f64) {
    let scratch = tempfile::tempdir().expect("a folder for the staged files");
    let folder = scratch.path().join("stage");
    let count = stage(&folder, scale);
    let own = std::env::current_exe().expect("a bench knows its file");
    let mut child = std::process::Command::new(&own);
    child.env("SPEED_STAGED", &folder).env("SPEED_RECORDS", count.to_string());
    assert!(child.status().is_ok_and(|status| status.success()), "the measurement of speed failed");
}

/// Writes the people of every source in the order of their ids, as exports do; returns their number.
fn stage(folder: &Path, scale: f64) -> usize {
    let records = people(&DemoPopulation::ORDINARY, 101, scale);
    std::fs::create_dir_all(folder).expect("a folder that can be written");
    for &source in Source::ALL {
        let mut order: Vec<(String, usize)> =
            (0..records.count(source)).map(|number| (records.id(source, number), number)).collect();
        order.sort_unstable_by(|a, b| record_order(RecordKey { source, id: &a.0 }, RecordKey { source, id: &b.0 }));
        // One row group per batch, so that the reader holds only one in memory.
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(BATCH)).build();
        let file = std::fs::File::create(path(folder, source)).expect("a file that can be written");
        let mut writer: Option<ArrowWriter<std::fs::File>> = None;
        for chunk in order.chunks(BATCH) {
            let of_chunk: Vec<Raw> =
                chunk.iter().map(|&(_, number)| demo::raw(&records, records.record(source, number))).collect();
            let rows = staged(source, &of_chunk.iter().collect::<Vec<_>>());
            let open = || {
                let file = file.try_clone().expect("a file that is open");
                ArrowWriter::try_new(file, rows.schema(), Some(properties.clone())).expect("a Parquet file")
            };
            writer.get_or_insert_with(open).write(&rows).expect("a batch that can be written");
        }
        writer.map(|writer| writer.close().expect("a Parquet file that can be closed"));
    }
    Source::ALL.iter().map(|&source| records.count(source)).sum()
}

fn path(folder: &Path, source: Source) -> PathBuf {
    folder.join(format!("{source}.parquet"))
}

/// The batches of a staged file, read before resolution is timed.
fn batches(folder: &Path, source: Source) -> impl Iterator<Item = stage_people::Columns> {
    let file = std::fs::File::open(path(folder, source)).expect("a staged file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.with_batch_size(BATCH).build());
    reader
        .expect("a Parquet file")
        .map(|batch| stage_people::Table::columns(&batch.expect("a batch")).expect("the columns of people"))
}

/// Measures resolution of the staged files. Memory is the peak resident size minus the resident size after reading the first batch.
pub fn measure(folder: &Path, expected: usize) {
    let options = ResolveOptions::default();
    let nicknames = Nicknames::parse(Nicknames::COMMITTED).expect("the committed table");
    let mut gathering = Gathering::new(&options, expected);
    let (mut wall, mut used) = (Duration::ZERO, Duration::ZERO);
    let mut count = 0;
    let mut resident = None;
    for &source in Source::ALL {
        for batch in batches(folder, source) {
            resident.get_or_insert_with(|| status("VmRSS"));
            count += batch.len();
            let (begun, at) = (Instant::now(), cpu());
            gathering.people(source, batch);
            wall += begun.elapsed();
            used += cpu() - at;
        }
    }
    let before = resident.unwrap_or_default();
    let gathered = wall;
    let bytes = |count: usize| status("VmHWM").saturating_sub(before) as f64 / count as f64;
    let mut peaks = vec![bytes(count)];
    let (begun, at) = (Instant::now(), cpu());
    let population = gathering.finish(&nicknames);
    let ordered = begun.elapsed();
    peaks.push(bytes(count));
    let resolution = resolve(population, Memory::default(), options);
    let resolved = begun.elapsed();
    peaks.push(bytes(count));
    let rows: usize = resolution.links().map(|batch| black_box(batch.num_rows())).sum();
    assert_eq!(rows, count, "a record has no link");
    wall += begun.elapsed();
    used += cpu() - at;
    peaks.push(bytes(count));
    println!(
        "from staged batches to links: {count} records, {:.2} s, {:.2} s of processor, {:.0} records/s, {:.0} bytes a record\n  \
         gathering {:.2} s ({:.0} bytes), order {:.2} s ({:.0}), resolution {:.2} s ({:.0}), links {:.2} s ({:.0}); largest profile {}",
        wall.as_secs_f64(),
        used.as_secs_f64(),
        count as f64 / wall.as_secs_f64(),
        peaks[3],
        gathered.as_secs_f64(),
        peaks[0],
        ordered.as_secs_f64(),
        peaks[1],
        (resolved - ordered).as_secs_f64(),
        peaks[2],
        (wall - gathered - resolved).as_secs_f64(),
        peaks[3],
        resolution.summary().largest
    );
}

/// Seconds for a hub of 10,000 records and for one of 100,000.
pub fn hubs() {
    let nobody = |n: usize| Raw { source: Source::Messaging, ..someone(n, "", "") };
    let one = |n: usize| Raw { email: "naledi.m@mail.test".to_owned(), ..someone(n, "Naledi", "Mokoena") };
    let many = |n: usize| someone(n, &name(n % 400), &name(n / 400));
    for (what, make) in [
        ("nameless records of one number", &nobody as &dyn Fn(usize) -> Raw),
        ("records of one person", &one),
        ("people of one number", &many),
    ] {
        let seconds = [10_000, 100_000].map(|count| {
            let records: Vec<Raw> = (0..count).map(make).collect();
            let truth = Truth::of(&records, BATCH);
            let begun = Instant::now();
            black_box(truth.resolve(&ResolveOptions::default(), Memory::default()));
            begun.elapsed().as_secs_f64()
        });
        println!("hub of {what:<31} 10,000: {:.3} s, 100,000: {:.3} s", seconds[0], seconds[1]);
    }
}

fn someone(n: usize, first: &str, last: &str) -> Raw {
    Raw {
        source: Source::Teetime,
        id: n.to_string(),
        phone: "0821234890".to_owned(),
        first: first.to_owned(),
        last: last.to_owned(),
        ..Raw::default()
    }
}

/// A distinct word for each number.
fn name(n: usize) -> String {
    [n / 676 % 26, n / 26 % 26, n % 26, n % 7].iter().map(|&letter| char::from(b'a' + letter as u8)).collect()
}
