//! Error analysis: false links and missed pairs, counted by rule and constraint violation, with samples.

use std::collections::BTreeMap;

use crm_backfill::model::{RecordIx, RecordKey, record_order};
use crm_backfill::resolve::Resolution;

use crate::truth::{Raw, Truth};

/// Number of pairs of each kind whose constraint violation is looked up.
const SAMPLE: usize = 600;

/// Prints up to `shown` pairs of each kind of error.
pub fn tell(records: &[Raw], truth: &Truth, resolution: &Resolution, shown: usize) {
    let mut raws: Vec<&Raw> = records.iter().collect();
    let key = |raw: &&Raw| (raw.source, raw.id.clone());
    raws.sort_by(|a, b| {
        let ((source_a, id_a), (source_b, id_b)) = (key(a), key(b));
        record_order(RecordKey { source: source_a, id: &id_a }, RecordKey { source: source_b, id: &id_b })
    });
    let labels = resolution.labels();
    let mut found: BTreeMap<&str, Vec<(RecordIx, RecordIx)>> = BTreeMap::new();
    let mut note = |what, a: RecordIx, b: RecordIx| found.entry(what).or_default().push((a, b));
    for cluster in groups(labels) {
        let person = |record: &RecordIx| truth.people[record.index()];
        if let Some(&stranger) = cluster.iter().find(|record| person(record) != person(&cluster[0])) {
            let best = cluster
                .iter()
                .copied()
                .filter(|other| person(other) != person(&stranger))
                .max_by_key(|&other| resolution.weight(other, stranger));
            let home = |record: RecordIx| truth.households[record.index()];
            let best = best.expect("there is one of another person");
            note(if home(best) == home(stranger) { "joined, one household:" } else { "joined, strangers:" }, best, stranger);
        }
    }
    let wanted = if std::env::var_os("ERRORS_ALL").is_some() { &truth.people } else { &truth.reachable };
    for group in groups(wanted) {
        let label = |record: &RecordIx| labels[record.index()];
        if let Some(&apart) = group.iter().find(|record| label(record) != label(&group[0])) {
            let best = group
                .iter()
                .copied()
                .filter(|other| label(other) != label(&apart))
                .max_by_key(|&other| resolution.weight(other, apart));
            note("missed:", best.expect("there is one elsewhere"), apart);
        }
    }
    let mut kinds: BTreeMap<String, Vec<(RecordIx, RecordIx)>> = BTreeMap::new();
    for (what, pairs) in found {
        println!("{:>6} {what}", pairs.len());
        // Finding the constraint needs all records, so only a sample is examined.
        for &(a, b) in pairs.iter().step_by(pairs.len().div_ceil(SAMPLE)) {
            let compared = resolution.compare(a, b);
            let kind = format!("{what} {} {}", compared.rule.unwrap_or("-"), compared.refusal.unwrap_or("-"));
            kinds.entry(kind).or_default().push((a, b));
        }
    }
    let mut counted: Vec<(String, Vec<(RecordIx, RecordIx)>)> = kinds.into_iter().collect();
    counted.sort_by_key(|(kind, pairs)| (std::cmp::Reverse(pairs.len()), kind.clone()));
    for (kind, pairs) in &counted {
        println!("{:>6} {kind}", pairs.len());
        for &(a, b) in pairs.iter().step_by(pairs.len().div_ceil(shown.max(1)).max(1)).take(shown) {
            for record in [a, b] {
                let raw = raws[record.index()];
                println!(
                    "         {:?}:{} {:?} | {} | {} | {} / {} | {} | {} {} {} {}",
                    raw.source,
                    raw.id,
                    raw.tenant,
                    raw.email,
                    raw.phone,
                    raw.first,
                    raw.last,
                    raw.born,
                    raw.golf_rsa,
                    raw.cdh,
                    raw.mca,
                    raw.auth
                );
            }
            let compared = resolution.compare(a, b);
            let said: Vec<String> = compared.evidence.iter().map(|piece| format!("{} {:+.1}", piece.words, piece.bits)).collect();
            println!("           {:+.1}: {}", compared.bits, said.join("; "));
        }
    }
}

/// Records with the same number, if there are several.
fn groups<N: Copy + Ord>(numbers: &[N]) -> Vec<Vec<RecordIx>> {
    let mut groups: BTreeMap<N, Vec<RecordIx>> = BTreeMap::new();
    for (record, &number) in (0..).map(RecordIx).zip(numbers) {
        groups.entry(number).or_default().push(record);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}
