//! Properties of every population: the same result for any order, threads, batches and phases.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crm_backfill::model::{LinkRule, RecordIx, RecordKey, Source};
use crm_backfill::resolve::{DecisionKind, DecisionState, Memory, Resolution, ResolveOptions};
use crm_backfill::tables::Table as _;
use crm_backfill::tables::resolution::{candidates, links, profile_changes};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{contact, decision, member, player, resolved, with};
use crate::support::soak;
use crate::truth::{Raw, Truth};

/// A small population with every kind of collision: few names, few emails, few phones.
fn population() -> impl Strategy<Value = Vec<Raw>> {
    let sources = [Source::McaZa, Source::McaUk, Source::Scl, Source::Teetime, Source::Messaging];
    let record = (0..5usize, 0..7usize, 0..4usize, 0..9usize, 0..9usize, 0..4usize, 0..5usize);
    prop::collection::vec(record, 1..40).prop_map(move |rows| {
        rows.into_iter()
            .enumerate()
            .map(|(n, (source, first, last, email, phone, born, rsa))| {
                let source = sources[source];
                let firsts = ["John", "Jack", "Mary", "Thabo", "J", "", "Anna"];
                let lasts = ["Smith", "Smyth", "Mokoena", ""];
                let text = |kind: &str, n: usize, none: usize| if n >= none { String::new() } else { format!("{kind}{n}") };
                let nameless = source == Source::Messaging;
                Raw {
                    source,
                    id: (n + 1).to_string(),
                    tenant: match source {
                        Source::McaUk => Some("2".to_owned()),
                        Source::Teetime if n % 3 == 0 => None,
                        _ => Some("1".to_owned()),
                    },
                    email: if email < 6 { format!("holder{email}@mail.test") } else { String::new() },
                    phone: if phone < 6 { format!("08212347{phone}1") } else { String::new() },
                    first: if nameless { String::new() } else { firsts[first].to_owned() },
                    last: if nameless { String::new() } else { lasts[last].to_owned() },
                    born: if born < 3 { format!("19{}0-05-04", 5 + born) } else { String::new() },
                    golf_rsa: text("270011223", rsa, 4),
                    ..Raw::default()
                }
            })
            .collect()
    })
}

/// Everything that is written.
fn rows(resolution: &Resolution) -> Vec<String> {
    let batches = resolution.links().chain(resolution.candidates());
    let rest = [resolution.hubs(), resolution.profile_changes(), resolution.decisions()];
    batches.chain(rest).map(|batch| format!("{batch:?}")).collect()
}

fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for at in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(at, (state >> 33) as usize % (at + 1));
    }
}

/// `(source:entity:id, profile)` of every record that has one.
type Ids = Vec<(String, String)>;

fn ids(resolution: &Resolution) -> Ids {
    let records = resolution.population.records();
    records.filter_map(|record| Some((resolution.population.key(record).to_string(), resolution.profile_id(record)?))).collect()
}

/// Old profile, what became of it, the new profiles.
type Changes = BTreeSet<(String, String, Vec<String>)>;

fn reported(resolution: &Resolution) -> Changes {
    let batch = resolution.profile_changes();
    let columns = profile_changes::Table::columns(&batch).unwrap();
    let sorted = |ids: &mut dyn Iterator<Item = &str>| ids.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
    columns
        .rows()
        .map(|row| (row.old_profile_id.to_owned(), row.change.to_owned(), sorted(&mut row.new_profile_ids.iter())))
        .collect()
}

/// The same, from the two lists of ids alone.
fn changed(before: &Ids, after: &Ids) -> Changes {
    let now: BTreeMap<&String, &String> = after.iter().map(|(record, id)| (record, id)).collect();
    let mut holders: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    let mut olds: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (record, old) in before {
        let new = holders.entry(old).or_default();
        if let Some(&id) = now.get(record) {
            new.insert(id);
            olds.entry(id).or_default().insert(old);
        }
    }
    let change = |old: &String, new: &BTreeSet<&String>| {
        let merged = new.iter().any(|id| olds[*id].len() > 1);
        match (new.len(), merged) {
            (0, _) => Some("VANISHED"),
            (1, _) => (!new.contains(old)).then_some("MERGED"),
            (_, false) => Some("SPLIT"),
            (_, true) => Some("MERGED_AND_SPLIT"),
        }
    };
    let owned = |new: &BTreeSet<&String>| new.iter().map(|id| (*id).clone()).collect();
    holders.iter().filter_map(|(old, new)| Some(((*old).clone(), change(old, new)?.to_owned(), owned(new)))).collect()
}

/// Phase by phase, with the ids of the former load known to each; what changed is checked against what is reported.
fn by_phases(records: &[Raw]) -> (Ids, Vec<Changes>) {
    let mut loaded = Ids::new();
    let mut changes = Vec::new();
    for phase in [1u8, 2, 3, 4] {
        let known: Vec<Raw> = records.iter().filter(|raw| raw.source.phase().number() <= phase).cloned().collect();
        let now = Truth::of(&known, 100)
            .resolve(&ResolveOptions::default(), Memory { decisions: &[], profile_ids: &loaded, ..Memory::default() });
        let after = ids(&now);
        assert_eq!(reported(&now), changed(&loaded, &after), "phase {phase}");
        changes.push(reported(&now));
        loaded = after;
    }
    (loaded, changes)
}

fn kinds(changes: &[Changes]) -> Vec<&str> {
    changes.iter().flatten().map(|(_, kind, _)| kind.as_str()).collect()
}

#[test]
fn loading_by_phases_equals_one_backfill_when_profiles_merge_and_split() {
    let (merged, split) = (Cell::new(0), Cell::new(0));
    // The same populations on every run, so that what they hold can be asserted.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { cases: 192, failure_persistence: None, ..Config::default() };
    let held = TestRunner::new_with_rng(config, rng).run(&population(), |records| {
        let (loaded, changes) = by_phases(&records);
        prop_assert_eq!(loaded, ids(&resolved(&records)));
        let kinds = kinds(&changes);
        merged.set(merged.get() + kinds.iter().filter(|kind| kind.starts_with("MERGED")).count());
        split.set(split.get() + kinds.iter().filter(|kind| kind.ends_with("SPLIT")).count());
        Ok(())
    });
    held.unwrap();
    assert!(merged.get() >= 20 && split.get() >= 20, "too few to prove anything: {} merged, {} split", merged.get(), split.get());
}

#[test]
fn a_later_source_merges_two_profiles_and_the_change_is_reported() {
    let number = "2700112233".to_owned();
    let records = [
        Raw { golf_rsa: number.clone(), ..with(member("1", "Naledi", "Mokoena", ""), "old@mail.test", "") },
        with(member("2", "Naledi", "Mokoena", ""), "naledi.m@mail.test", ""),
        Raw { golf_rsa: number, ..player("p", "Naledi", "Mokoena", "naledi.m@mail.test", "") },
    ];
    let (loaded, changes) = by_phases(&records);
    assert_eq!(kinds(&changes), ["MERGED"]);
    assert!(loaded.iter().all(|(_, id)| *id == loaded[0].1), "the seed record names all: {loaded:?}");
    assert_eq!(loaded, ids(&resolved(&records)));
}

#[test]
fn a_later_source_splits_a_profile_and_the_change_is_reported() {
    let records = [
        with(member("1", "J", "Smith", ""), "smith@mail.test", ""),
        with(member("2", "John", "Smith", ""), "smith@mail.test", ""),
        player("p", "Mary", "Smith", "smith@mail.test", ""),
        contact("c", "smith@mail.test", ""),
    ];
    let (loaded, changes) = by_phases(&records);
    assert_eq!(kinds(&changes), ["SPLIT"], "until somebody else was seen, the initial was taken for his");
    assert_ne!(loaded[0].1, loaded[1].1);
    assert_eq!(loaded, ids(&resolved(&records)));
}

#[test]
fn the_review_queue_is_ranked_and_limited_per_profile() {
    let left_out = Cell::new(0);
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let held = TestRunner::new_with_rng(config, rng).run(&population(), |records| {
        let resolution = resolved(&records);
        let mut filed: BTreeMap<String, usize> = BTreeMap::new();
        let (mut pairs, mut before) = (BTreeSet::new(), 100);
        for batch in resolution.candidates() {
            for row in candidates::Table::columns(&batch).unwrap().rows() {
                let (a, b) = (row.a_profile_id.to_owned(), row.b_profile_id.to_owned());
                prop_assert!(a != b && (1..=95).contains(&row.score) && row.score <= before, "best first");
                before = row.score;
                let full = [&a, &b].iter().any(|id| filed.get(*id).is_some_and(|&count| count >= 5));
                prop_assert_eq!(row.is_filed, !full, "the best five of each profile");
                left_out.set(left_out.get() + usize::from(full));
                prop_assert!(pairs.insert((a.clone().min(b.clone()), a.clone().max(b.clone()))), "each pair of profiles once");
                if row.is_filed {
                    [a, b].into_iter().for_each(|id| *filed.entry(id).or_default() += 1);
                }
            }
        }
        Ok(())
    });
    held.unwrap();
    assert!(left_out.get() > 0, "no profile had more than five");
}

#[test]
fn the_review_queue_of_a_tenant_has_its_best_ten_thousand() {
    let of = |n: u32| {
        let email = format!("holder{n}@mail.test");
        let abroad = player(&format!("p{n}"), "Naledi", "Mokoena", &email, "");
        [with(member(&n.to_string(), "Naledi", "Mokoena", ""), &email, ""), Raw { tenant: Some("2".to_owned()), ..abroad }]
    };
    let records: Vec<Raw> = (0..10_200).flat_map(of).collect();
    let summary = resolved(&records).summary();
    assert_eq!((summary.candidates, summary.filed), (10_200, 10_000));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: soak::cases(96), ..ProptestConfig::default() })]

    #[test]
    fn order_batches_and_threads_change_nothing(records in population(), seed in any::<u64>(), size in 1..7usize) {
        let options = ResolveOptions::default();
        // With ids of an earlier load and a decision, since both take part in the answer.
        let legacy: Vec<Raw> = records.iter().filter(|raw| raw.source.is_mca()).cloned().collect();
        let mut loaded = ids(&resolved(&legacy));
        let keys: Vec<String> = records.iter().map(|raw| RecordKey { source: raw.source, id: &raw.id }.to_string()).collect();
        let kind = if seed.is_multiple_of(2) { DecisionKind::MustLink } else { DecisionKind::CannotLink };
        let decisions = match &keys[..] {
            [a, .., b] => vec![decision(kind, a, b)],
            _ => Vec::new(),
        };
        let plain = rows(&Truth::of(&records, 1000).resolve(&options, Memory { decisions: &decisions, profile_ids: &loaded, ..Memory::default() }));
        let mut shuffled = records;
        shuffle(&mut shuffled, seed);
        shuffle(&mut loaded, seed);
        for threads in [1, 2, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let memory = Memory { decisions: &decisions, profile_ids: &loaded, ..Memory::default() };
            let again = pool.install(|| rows(&Truth::of(&shuffled, size).resolve(&options, memory)));
            prop_assert_eq!(&plain, &again);
        }
    }

    #[test]
    fn decisions_split_and_join_only_their_own_clusters(records in population(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>(), must in any::<bool>()) {
        let options = ResolveOptions::default();
        let truth = Truth::of(&records, 100);
        let before = truth.resolve(&options, Memory::default());
        let count = before.population.len() as usize;
        let (a, b) = (RecordIx::at(a.index(count)), RecordIx::at(b.index(count)));
        prop_assume!(a != b);
        let kind = if must { DecisionKind::MustLink } else { DecisionKind::CannotLink };
        let decisions = [decision(kind, &before.population.key(a).to_string(), &before.population.key(b).to_string())];
        let after = truth.resolve(&options, Memory { decisions: &decisions, profile_ids: &[], ..Memory::default() });
        let touched = [before.labels()[a.index()], before.labels()[b.index()]];
        for record in 0..count {
            if !touched.contains(&before.labels()[record]) {
                prop_assert_eq!(before.labels()[record], after.labels()[record]);
            }
        }
        let one = after.labels()[a.index()] == after.labels()[b.index()];
        match after.decision_states()[0].1 {
            DecisionState::Applied => prop_assert_eq!(one, must),
            state => prop_assert!(must && state == DecisionState::Contradicted && !one),
        }
    }

    #[test]
    fn every_record_is_in_exactly_one_profile_or_skipped_with_a_reason(records in population()) {
        let resolution = resolved(&records);
        let batch = resolution.links().next().unwrap();
        let columns = links::Table::columns(&batch).unwrap();
        prop_assert_eq!(columns.rows().count(), records.len());
        for row in columns.rows() {
            prop_assert_eq!(row.profile_id.is_none(), row.rule == LinkRule::Skipped);
            prop_assert_eq!(row.matched_source_id.is_some(), !matches!(row.rule, LinkRule::Skipped | LinkRule::Founder));
            prop_assert!(!row.evidence.is_empty());
        }
    }
}
