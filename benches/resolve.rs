//! Accuracy and speed of identity resolution. Arguments: labelled CSV files; without any, the invented populations.

#[path = "../tests/truth/mod.rs"]
mod truth;

use std::time::Instant;

use crm_backfill::resolve::accuracy::Accuracy;
use crm_backfill::resolve::{Memory, Options, Resolution};
use truth::{Raw, Truth, read_csv};

/// Seeds that no weight was tuned on.
#[cfg(feature = "local-postgres")]
const REPORTED: [u64; 2] = [101, 102];

/// The seeds to report, or one to tune on.
#[cfg(feature = "local-postgres")]
fn seeds() -> Vec<u64> {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).map_or(REPORTED.to_vec(), |seed| vec![seed])
}

/// Pairs of one person inside one tenant that clean shared keys connect, and how many of them are joined.
fn reachable(resolution: &Resolution, truth: &Truth) -> (u64, u64) {
    let population = &resolution.population;
    let mut reached = population.clean_key_groups(&truth.people);
    let labels = resolution.labels();
    let pairs = |mut keys: Vec<(u32, u32)>| {
        keys.sort_unstable();
        keys.chunk_by(|a, b| a == b).map(|same| (same.len() * (same.len() - 1) / 2) as u64).sum::<u64>()
    };
    let all = pairs(reached.iter().map(|&group| (group, 0)).collect());
    let joined = pairs(reached.drain(..).zip(labels.iter().copied()).collect());
    (all, joined)
}

fn report(name: &str, records: &[Raw]) {
    let truth = Truth::of(records, 16_384);
    let options = Options::default();
    let begun = Instant::now();
    let resolution = truth.resolve(&options, Memory::default());
    let seconds = begun.elapsed().as_secs_f64();
    let of = Accuracy::of(resolution.labels(), &truth.people, &truth.households);
    let (all, joined) = reachable(&resolution, &truth);
    println!(
        "{name:20} {:>8} records {:>6.0}k/s  P {:.4}  beyond households {:.4}  R {:.4} of reachable {:.4}  F1 {:.4}  B3 {:.4}/{:.4}  largest {}",
        records.len(),
        records.len() as f64 / seconds / 1000.0,
        of.precision(),
        of.precision_beyond_households(),
        of.recall(),
        joined as f64 / all as f64,
        of.f1(),
        of.b_cubed_precision,
        of.b_cubed_recall,
        of.largest
    );
    if let Some(file) = std::env::var_os("DUMP") {
        use crm_backfill::tables::{Table as _, resolution::links};
        let mut lines = String::new();
        let mut at = 0;
        for batch in resolution.links() {
            for row in links::Table::columns(&batch).unwrap().rows() {
                let matched = row
                    .matched_source
                    .map_or(String::new(), |s| format!("{s}:{}:{}", s.people(), row.matched_source_id.unwrap()));
                lines += &format!(
                    "{}:{}:{}|{}|{}|{}|{}|{}|{}\n",
                    row.source,
                    row.entity,
                    row.source_id,
                    resolution.labels()[at],
                    matched,
                    row.bits16,
                    row.evidence,
                    truth.people[at],
                    resolution.population.is_nameless(at as u32)
                );
                at += 1;
            }
        }
        std::fs::write(file, lines).unwrap();
    }
    if std::env::var_os("RULES").is_some() {
        for rule in resolution.by_rule(&truth.people) {
            println!(
                "    {:14} {:>3}+ {:>8} links {:.4} right",
                rule.rule.to_string(),
                rule.from_bits,
                rule.links,
                rule.right as f64 / rule.links as f64
            );
        }
    }
}

fn main() {
    let files: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for file in &files {
        let name = file.rsplit('/').next().unwrap_or(file);
        report(name, &read_csv(&std::fs::read_to_string(file).unwrap()));
    }
    #[cfg(feature = "local-postgres")]
    if files.is_empty() {
        let scales = if std::env::var_os("SEED").is_some() { vec![0.3] } else { vec![0.1, 1.0] };
        for scale in scales {
            for population in crm_backfill::demo::Population::ALL {
                for seed in seeds() {
                    report(&format!("{} {scale} #{seed}", population.name), &truth::demo::records(population, seed, scale));
                }
            }
        }
    }
}
