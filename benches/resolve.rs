//! Accuracy, calibration and speed of identity resolution. Arguments: labelled CSV files, of which only the accuracy is told; without
//! any, the invented populations of seeds that no weight was tuned on.

#[cfg(feature = "local-postgres")]
mod speed;
#[path = "../tests/truth/mod.rs"]
mod truth;

use crm_backfill::resolve::evaluate::accuracy::{Accuracy, RuleAccuracy};
use crm_backfill::resolve::{LiteralRule, Memory, Options};
use truth::{Raw, Truth, read_csv};

/// Seeds that no weight was tuned on.
#[cfg(feature = "local-postgres")]
const REPORTED: [u64; 2] = [101, 102];

fn heading() {
    println!(
        "{:<18} {:>8} {:<9} {:>6} {:>6} {:>6} {:>7} {:>6} {:>6} {:>6} {:>7}",
        "population", "records", "method", "P", "R", "F1", "P'", "R'", "B3 P", "B3 R", "largest"
    );
}

/// One line of the table.
fn line(name: &str, method: &str, truth: &Truth, labels: &[u32], reached: (u64, u64)) {
    let of = Accuracy::of(labels, &truth.people, &truth.households);
    println!(
        "{name:<18} {:>8} {method:<9} {:>6.4} {:>6.4} {:>6.4} {:>7.5} {:>6.4} {:>6.4} {:>6.4} {:>7}",
        labels.len(),
        of.precision(),
        of.recall(),
        of.f1(),
        of.precision_beyond_households(),
        reached.1 as f64 / reached.0.max(1) as f64,
        of.b_cubed_precision,
        of.b_cubed_recall,
        of.largest
    );
}

/// Our result, the strategy's literal rule, and the closure over equal addresses and numbers; adds our links to `links`.
fn compare(name: &str, records: &[Raw], links: &mut Vec<RuleAccuracy>) {
    let truth = Truth::of(records, 16_384);
    let resolution = truth.resolve(&Options::default(), Memory::default());
    let population = &resolution.population;
    let mut rule = LiteralRule::default();
    truth.batches.iter().for_each(|(source, batch)| rule.people(*source, batch));
    let closure = rule.closure();
    let literal = rule.finish();
    for (method, labels) in [("ours", resolution.labels()), ("strategy", &literal.founders), ("closure", &closure)] {
        line(name, method, &truth, labels, Accuracy::reached(population, labels, &truth.people));
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

/// Links by rule and band: what their confidence claims, and what is so.
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
        heading();
        let mut links = vec![Vec::new(); crm_backfill::demo::Population::ALL.len()];
        for scale in [0.1, 1.0] {
            for (population, links) in crm_backfill::demo::Population::ALL.iter().zip(&mut links) {
                for seed in REPORTED {
                    let name = format!("{} {scale} #{seed}", population.name);
                    compare(&name, &truth::demo::records(population, seed, scale), links);
                }
            }
        }
        for (population, links) in crm_backfill::demo::Population::ALL.iter().zip(links) {
            calibration(population.name, links);
        }
        return;
    }
    heading();
    let mut links = Vec::new();
    for file in &files {
        let name = file.rsplit('/').next().unwrap_or(file);
        compare(name, &read_csv(&std::fs::read_to_string(file).unwrap()), &mut links);
    }
    calibration("all files", links);
}
