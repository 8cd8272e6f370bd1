//! The engine in this process gives the datasets of the single-machine road.

use crm_backfill::steps::{Again, consolidate, score};
use crm_backfill_cluster::{DataFusionEngine, Place};

use crate::support::population::Population;

/// Consolidates and scores again, with the engine.
pub fn again(population: &Population, engine: &DataFusionEngine) -> anyhow::Result<()> {
    let again = Again { force: true };
    consolidate::run_on(&population.session, consolidate::ConsolidateArgs { again, partition: 1 }, Some(engine))?;
    score::run_on(&population.session, score::ScoreArgs { starter_segments: false, again }, Some(engine))?;
    Ok(())
}

fn local(partitions: usize, memory_limit: usize) -> DataFusionEngine {
    DataFusionEngine::new(Place::Local { memory_limit }, partitions).unwrap()
}

#[test]
fn populations_of_chaos_get_the_same_datasets_in_any_number_of_parts() {
    for seed in 0..12 {
        let population = Population::of(seed);
        let expected = population.datasets();
        for partitions in [1, 2, 5] {
            again(&population, &local(partitions, 1 << 30)).unwrap();
            assert_eq!(population.datasets(), expected, "seed {seed}, {partitions} partitions");
        }
    }
}

#[test]
fn events_of_many_pages_in_no_order_get_the_same_datasets_in_any_number_of_parts() {
    let population = Population::with_events(3, 60_000);
    let expected = population.datasets();
    for partitions in [1, 2, 5] {
        again(&population, &local(partitions, 1 << 30)).unwrap();
        assert_eq!(population.datasets(), expected, "{partitions} partitions");
    }
}

#[test]
fn manifests_name_the_engine_and_the_single_machine_road_names_none() {
    let population = Population::of(1);
    for folder in ["crm", "score"] {
        assert!(!population.manifest(folder).facts.contains_key("engine"));
    }
    again(&population, &local(2, 1 << 30)).unwrap();
    for folder in ["crm", "score"] {
        let engine = population.manifest(folder).facts["engine"].clone();
        assert!(engine.starts_with("datafusion ") && engine.ends_with(" local"), "{engine}");
    }
}
