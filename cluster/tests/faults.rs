//! Failures of a cluster, with real processes: the run goes on without what failed, or ends with 14 and replaces nothing.

use std::time::{Duration, Instant};

use crm_backfill::fault::{Exit, Fault};
use crm_backfill_cluster::{DataFusionEngine, Place};

use crate::cluster::remote;
use crate::local::again;
use crate::support::population::{Datasets, Population};
use crate::support::processes::{Cluster, free_port};

/// The error of a run that must fail with exit 14; nothing was replaced and nothing is left behind.
fn fails(population: &Population, engine: &DataFusionEngine, before: &Datasets) -> String {
    let error = again(population, engine).expect_err("the run fails");
    let fault = error.downcast_ref::<Fault>().unwrap_or_else(|| panic!("no fault: {error:?}"));
    assert_eq!(fault.exit, Exit::Failed, "{error:?}");
    assert_eq!(&population.datasets(), before);
    let names = std::fs::read_dir(population.data("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let drafts: Vec<String> = names.filter(|name| name.contains(".tmp-")).collect();
    assert!(drafts.is_empty(), "{drafts:?}");
    format!("{error:?}")
}

#[test]
fn a_job_whose_executor_is_killed_finishes_on_the_other_one_or_fails_whole() {
    let population = Population::with_events(3, 60_000);
    let before = population.datasets();
    let mut cluster = Cluster::start();
    let engine = remote(&cluster, 8);
    let work_dir = cluster.work_dir(0);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| again(&population, &engine));
        // Its first results are written: the job is under way.
        let until = Instant::now() + Duration::from_secs(60);
        while std::fs::read_dir(&work_dir).map_or(0, Iterator::count) == 0 && !run.is_finished() {
            assert!(Instant::now() < until, "no work began");
            std::thread::sleep(Duration::from_millis(2));
        }
        cluster.executors[0].kill();
        match run.join().unwrap() {
            Ok(()) => {}
            Err(error) => assert_eq!(error.downcast_ref::<Fault>().map(|fault| fault.exit), Some(Exit::Failed), "{error:?}"),
        }
    });
    assert_eq!(population.datasets(), before);
    // What is left of the cluster does the next job.
    again(&population, &engine).unwrap_or_else(|error| panic!("{error:?}\n{}", cluster.logs()));
    assert_eq!(population.datasets(), before);
}

#[test]
fn a_scheduler_that_is_not_there_is_a_failure_that_names_it() {
    let population = Population::of(1);
    let before = population.datasets();
    let url = format!("df://127.0.0.1:{}", free_port());
    let engine = DataFusionEngine::new(Place::Cluster(url.parse().unwrap()), 2).unwrap();
    let said = fails(&population, &engine, &before);
    assert!(said.contains(&url), "{said}");
}

#[test]
fn an_executor_of_other_sources_refuses_the_plan_by_its_version() {
    let population = Population::of(1);
    let before = population.datasets();
    let mut cluster = Cluster::without_executors();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("crm-backfill-executor");
    let mut bytes = std::fs::read(env!("CARGO_BIN_EXE_crm-backfill-executor")).unwrap();
    let (ours, theirs) = (crm_backfill::launch::SOURCES.as_bytes(), b"0123456789abcdef");
    let places: Vec<usize> = (0..bytes.len() - ours.len()).filter(|&at| bytes[at..].starts_with(ours)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&at| bytes[at..at + theirs.len()].copy_from_slice(theirs));
    std::fs::copy(env!("CARGO_BIN_EXE_crm-backfill-executor"), &other).unwrap();
    std::fs::write(&other, bytes).unwrap();
    cluster.add(&other);
    let said = fails(&population, &remote(&cluster, 2), &before);
    assert!(said.contains("version mismatch") && said.contains("0123456789abcdef"), "{said}\n{}", cluster.logs());
    assert!(said.contains("make cluster"), "{said}");
}

#[test]
fn a_full_disk_of_the_executors_is_a_failure() {
    let population = Population::with_events(3, 60_000);
    let before = population.datasets();
    let mut cluster = Cluster::without_executors();
    cluster.add_with_disk_of("1m");
    let said = fails(&population, &remote(&cluster, 2), &before);
    assert!(said.contains("No space left"), "{said}\n{}", cluster.logs());
}
