//! A scheduler and two executors as real processes give the datasets of the single-machine road.

use crm_backfill_cluster::{DataFusionEngine, Place};

use crate::local::again;
use crate::support::population::Population;
use crate::support::processes::Cluster;

/// An engine on a cluster.
fn remote(cluster: &Cluster, partitions: usize) -> DataFusionEngine {
    DataFusionEngine::new(Place::Cluster(cluster.url().parse().unwrap()), partitions).unwrap()
}

#[test]
fn two_executors_give_the_same_datasets_in_any_number_of_parts() {
    let cluster = Cluster::start();
    for (seed, events) in [(3, 60_000), (0, 0), (1, 0), (2, 0), (4, 0)] {
        let population = Population::with_events(seed, events);
        let expected = population.datasets();
        for partitions in if events > 0 { vec![1, 2, 5] } else { vec![2] } {
            again(&population, &remote(&cluster, partitions)).unwrap_or_else(|error| panic!("{error:?}\n{}", cluster.logs()));
            assert_eq!(population.datasets(), expected, "seed {seed}, {partitions} partitions");
        }
        assert!(population.manifest("crm").facts["engine"].ends_with(" ballista"));
    }
}
