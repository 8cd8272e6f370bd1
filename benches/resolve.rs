//! Accuracy, calibration and speed of identity resolution. With arguments (labelled CSV files or names of the demo's populations)
//! it measures only their accuracy. Without arguments it measures the populations that took no part in setting the weights (FEBRL 4
//! and the census sample, made by `benches/populations/fetch`), then those that did, with seeds that were not used where there are
//! seeds. `ERRORS=5` prints five errors of each kind.

mod errors;
#[cfg(feature = "local-postgres")]
mod speed;
#[path = "../tests/truth/mod.rs"]
mod truth;

use crm_backfill::model::RecordIx;
use crm_backfill::resolve::evaluate::accuracy::{Accuracy, RuleAccuracy};
use crm_backfill::resolve::{LiteralRule, Memory, ResolveOptions};
use truth::{Raw, Truth, read_csv};

/// Seeds that were not used for tuning.
#[cfg(feature = "local-postgres")]
const REPORTED: [u64; 2] = [101, 102];

fn heading() {
    println!(
        "{:<22} {:>8} {:<9} {:>6} {:>7} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>7}",
        "population", "records", "method", "P", "P'", "R", "R in", "R'", "F1", "B3 P", "B3 R", "B3 F1", "largest"
    );
}

/// One line of the table.
fn line(name: &str, method: &str, truth: &Truth, labels: &[RecordIx]) {
    let of = Accuracy::of(labels, &truth.people, &truth.households);
    println!(
        "{name:<22} {:>8} {method:<9} {:>6.4} {:>7.5} {:>6.4} {:>6.4} {:>6.4} {:>6.4} {:>6.4} {:>6.4} {:>6.4} {:>7}",
        labels.len(),
        of.precision(),
        of.precision_beyond_households(),
        of.recall(),
        truth.recall_inside_tenants(labels),
        truth.recall_of_reachable(labels),
        of.f1(),
        of.b_cubed_precision,
        of.b_cubed_recall,
        of.b_cubed_f1(),
        of.largest
    );
}

/// Our result, the strategy's literal rule, and the closure over equal emails and phones; adds our links to `links`.
fn compare(name: &str, records: &[Raw], links: &mut Vec<RuleAccuracy>) {
    let truth = Truth::of(records, 16_384);
    let resolution = truth.resolve(&ResolveOptions::default(), Memory::default());
    let mut rule = LiteralRule::default();
    truth.batches.iter().for_each(|(source, batch)| rule.people(*source, batch));
    let closure = rule.closure();
    let literal = rule.finish();
    for (method, labels) in [("ours", resolution.labels()), ("strategy", &literal.founders), ("closure", &closure)] {
        line(name, method, &truth, labels);
    }
    if let Some(shown) = std::env::var("ERRORS").ok().and_then(|shown| shown.parse().ok()) {
        errors::tell(records, &truth, &resolution, shown);
    }
    for of in resolution.by_rule(&truth.people) {
        match links.iter_mut().find(|known| (known.rule, known.from_bits) == (of.rule, of.from_bits)) {
            Some(known) => {
                known.links += of.links;
                known.right += of.right;
            }
            None => links.push(of),
        }
    }
}

/// Links by rule and band: the claimed confidence and the true share.
fn calibration(name: &str, mut links: Vec<RuleAccuracy>) {
    println!("\nlinks of {name}: confidence claimed and share seen, by rule and bits from");
    links.sort_unstable_by_key(|of| (of.rule, of.from_bits));
    for of in links {
        println!(
            "  {:<14} {:>3}+ {:>9} links  claimed {:>3}{}  seen {:>5.1}",
            of.rule.to_string(),
            of.from_bits,
            of.links,
            of.claimed,
            if of.is_at_ceiling { " (ceiling)" } else { "          " },
            100.0 * of.right as f64 / of.links as f64
        );
    }
}

fn main() {
    let files: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    #[cfg(feature = "local-postgres")]
    if files.is_empty() {
        if let Some(folder) = std::env::var_os("SPEED_STAGED") {
            let records = std::env::var("SPEED_RECORDS").ok().and_then(|count| count.parse().ok()).unwrap_or_default();
            speed::measure(folder.as_ref(), records);
            return;
        }
        let scale = std::env::var("SPEED_SCALE").ok().and_then(|scale| scale.parse().ok());
        speed::told(scale.unwrap_or(10.0));
        if scale.is_some() {
            return;
        }
        speed::hubs();
        println!();
        let (developed, left_out): (Vec<String>, Vec<String>) = fetched().into_iter().partition(|file| is_developed(file));
        measure("populations that took no part in setting weights and rules", &left_out);
        measure("populations that did", &developed);
        println!("\nthe demo's populations, with other seeds than those of the weights");
        heading();
        let mut links = vec![Vec::new(); crm_backfill::demo::DemoPopulation::ALL.len()];
        for scale in [0.1, 1.0] {
            for (population, links) in crm_backfill::demo::DemoPopulation::ALL.iter().zip(&mut links) {
                for seed in REPORTED {
                    let name = format!("{} {scale} #{seed}", population.name);
                    compare(&name, &truth::demo::records(population, seed, scale), links);
                }
            }
        }
        for (population, links) in crm_backfill::demo::DemoPopulation::ALL.iter().zip(links) {
            calibration(population.name, links);
        }
        return;
    }
    measure("the given populations", &files);
}

/// Whether weights or rules were set with another seed of the generator, or with the file in view (FEBRL 1 to 3).
#[cfg(feature = "local-postgres")]
fn is_developed(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    ["clerks", "febrl1", "febrl2", "febrl3"].iter().any(|developed| name.starts_with(developed))
}

/// The labelled files that were fetched, if any.
#[cfg(feature = "local-postgres")]
fn fetched() -> Vec<String> {
    let Ok(folder) = std::fs::read_dir("target/populations") else { return Vec::new() };
    let paths = folder.filter_map(|entry| entry.ok()?.path().to_str().map(str::to_owned));
    let mut files: Vec<String> = paths.filter(|path| path.ends_with(".csv")).collect();
    files.sort();
    files
}

/// Accuracy on labelled files, one line each, and the calibration of all, under a title.
fn measure(title: &str, files: &[String]) {
    if files.is_empty() {
        return;
    }
    println!("\n{title}");
    heading();
    let mut links = Vec::new();
    for file in files {
        #[cfg(feature = "local-postgres")]
        if let Some(population) = crm_backfill::demo::DemoPopulation::ALL.iter().find(|population| population.name == file) {
            compare(file, &truth::demo::records(population, REPORTED[0], 0.1), &mut links);
            continue;
        }
        let name = file.rsplit('/').next().unwrap_or(file);
        compare(name, &read_csv(&std::fs::read_to_string(file).unwrap()), &mut links);
    }
    calibration(title, links);
}
