//! From staged batches to links: records per second, bytes per record, and that a hub takes time in step with its size.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crm_backfill::demo::{Population, people};
use crm_backfill::model::{Code as _, Source};
use crm_backfill::resolve::{Gathering, Memory, Nicknames, Options, resolve};

use crate::truth::{Raw, Truth, batch, demo};

/// Records per batch, as the staged files have them.
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

/// Measures in a process of its own, so that no memory that others gave back is counted as free.
pub fn told(scale: f64) {
    let own = std::env::current_exe().expect("a bench knows its file");
    let ended = std::process::Command::new(own).env("SPEED_SCALE", scale.to_string()).status();
    assert!(ended.is_ok_and(|status| status.success()), "the measurement of speed failed");
}

/// Makes and stages a population batch by batch, and measures what resolution does with the batches. Memory is what is resident at the
/// peak above what is resident before the first batch: everything that resolution holds, and one batch.
pub fn measure(scale: f64) {
    let records = people(&Population::ORDINARY, 101, scale);
    let options = Options::default();
    let nicknames = Nicknames::parse(Nicknames::COMMITTED).expect("the committed table");
    let mut gathering = Gathering::new(&options);
    let (mut wall, mut used) = (Duration::ZERO, Duration::ZERO);
    let mut count = 0;
    let before = status("VmRSS");
    for &source in Source::ALL {
        let mut all = demo::of_source(&records, source);
        loop {
            let chunk: Vec<Raw> = all.by_ref().take(BATCH).collect();
            if chunk.is_empty() {
                break;
            }
            count += chunk.len();
            let staged = batch(source, &chunk.iter().collect::<Vec<_>>());
            let (begun, at) = (Instant::now(), cpu());
            gathering.people(source, &staged);
            wall += begun.elapsed();
            used += cpu() - at;
        }
    }
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

/// Seconds of a hub of 10,000 records and of one of 100,000.
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
            black_box(truth.resolve(&Options::default(), Memory::default()));
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

/// A word of its own for each number.
fn name(n: usize) -> String {
    [n / 676 % 26, n / 26 % 26, n % 26, n % 7].iter().map(|&letter| char::from(b'a' + letter as u8)).collect()
}
