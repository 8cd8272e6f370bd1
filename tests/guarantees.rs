//! `docs/guarantees.md`: the guarantees, the tests for each, and the results of the last `make soak`. The page is generated; this test
//! keeps it up to date.

mod catalogue;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use catalogue::{CASES, Case};

/// A guarantee and its tests.
struct Guarantee {
    /// Its name in the results of the harness.
    name: &'static str,
    promise: &'static str,
    tests: &'static [&'static str],
}

const GUARANTEES: &[Guarantee] = &[
    Guarantee {
        name: "files-whole",
        promise: "A step that is killed leaves the former folder or the new one, never a mixture. The next run completes it and removes drafts.",
        tests: &[
            "a_step_killed_at_any_call_leaves_the_former_or_the_new_folder",
            "a_half_old_and_half_new_folder_is_detected",
            "an_exchange_interrupted_at_any_step_is_completed",
        ],
    },
    Guarantee {
        name: "disk-failures",
        promise: "A full or failing disk ends a step with exit 14 and keeps the former folder. Exit 0 means that the step is done.",
        tests: &[
            "a_disk_that_fails_at_any_call_keeps_the_former_folder",
            "a_step_that_runs_out_of_disk_keeps_the_former_folder",
            "a_file_size_limit_stops_a_step_like_a_full_disk",
            "a_result_that_cannot_be_written_is_a_failure",
        ],
    },
    Guarantee {
        name: "bit-flips",
        promise: "A flipped bit anywhere in a dataset or manifest is detected before anything is read, and the step that wrote the folder rebuilds it. (The hash of the binary is excluded; it does not affect the content.)",
        tests: &[
            "one_flipped_bit_in_any_file_is_always_noticed",
            "every_flipped_bit_outside_the_binary_hash_is_detected",
            "a_damaged_folder_stops_readers_and_is_rebuilt_by_its_step",
        ],
    },
    Guarantee {
        name: "load-killed",
        promise: "A load that is killed after any byte or at any moment leaves the CRM unchanged or complete. The next load completes it.",
        tests: &[
            "a_load_killed_after_any_byte_leaves_the_crm_whole",
            "a_load_killed_at_any_moment_leaves_the_crm_whole",
            "a_crm_that_lacks_one_row_is_detected",
        ],
    },
    Guarantee {
        name: "load-cut",
        promise: "A load whose connection is cut reports correctly whether it is committed (exit 0) or not (exit 14). Exit 15 means that the outcome cannot be looked up.",
        tests: &[
            "a_load_cut_after_any_byte_reports_the_true_outcome",
            "a_lost_answer_to_the_commit_is_looked_up",
            "an_outcome_that_cannot_be_looked_up_is_unknown",
        ],
    },
    Guarantee {
        name: "snapshot",
        promise: "All datasets of one export come from one snapshot, even during writes.",
        tests: &["an_export_during_writes_is_consistent"],
    },
    Guarantee {
        name: "interrupts",
        promise: "Ctrl-C leaves nothing half done and prints the state; the same command run again completes the work.",
        tests: &[
            "an_interrupted_step_reports_its_true_outcome",
            "an_interrupted_load_verify_or_rollback_does_not_change_the_crm",
        ],
    },
    Guarantee {
        name: "bound",
        promise: "Datasets are not loaded, verified or reported if their exports, settings, reference files, decisions or segment definitions have changed (exit 11, with the command to run).",
        tests: &[
            "nothing_is_loaded_verified_or_reported_after_an_export_was_renewed",
            "settings_decisions_and_reference_files_are_compared_too",
            "members_of_an_outdated_segment_rule_are_not_loaded",
            "a_folder_that_leaves_a_dataset_out_is_not_loaded_as_if_it_were_empty",
        ],
    },
    Guarantee {
        name: "guards",
        promise: "An empty or shrunken entity, another CRM, a lower phase and changed source tables are refused before any change. All reasons are reported at once, each with its option (exit 10).",
        tests: &[
            "an_emptied_or_shrunken_entity_is_refused_until_it_is_allowed_by_name",
            "datasets_built_for_one_crm_are_not_loaded_into_another",
            "a_source_that_changed_its_tables_or_is_another_sources_is_not_exported",
        ],
    },
    Guarantee {
        name: "places",
        promise: "Nothing is written through a symbolic link in a data folder, to a world-writable folder, or in place of a device. A purge confirms what was removed.",
        tests: &[
            "symbolic_links_and_world_writable_data_folders_are_refused",
            "csv_output_to_devices_and_pipes_does_not_replace_them",
            "a_purge_refuses_links_whose_targets_it_would_leave",
        ],
    },
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of every test file and of every file of the library.
fn sources() -> String {
    fn add(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, text);
            } else if path.extension().is_some_and(|end| end == "rs")
                && !path.ends_with("guarantees.rs")
                && !path.ends_with("catalogue.rs")
            {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    add(&root().join("tests"), &mut text);
    add(&root().join("src"), &mut text);
    text
}

/// The results of a soak, summed over its rounds.
fn summed(lines: &str) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut sums: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for line in lines.lines() {
        let result: Value = serde_json::from_str(line).unwrap();
        let figures = sums.entry(result["guarantee"].as_str().unwrap().to_owned()).or_default();
        for (name, count) in result["figures"].as_object().unwrap() {
            *figures.entry(name.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    sums
}

fn page(measured: &Value) -> String {
    let mut page = String::from(
        "# Guarantees\n\nGenerated by `make soak` from the harness's own results (`docs/guarantees.json`); do not edit. Each fault test has a\n\
         negative control: the same check, which fails if the mechanism is missing.\n\n",
    );
    let _ = writeln!(
        page,
        "Last measured: version {}, {} s. `make test` tries a sample of the same cases; `make soak SOAK_SECONDS=3600 SEEDS=10` runs\nfor an hour.\n",
        measured["version"].as_str().unwrap_or("none"),
        measured["seconds"]
    );
    for guarantee in GUARANTEES {
        let _ = writeln!(page, "## {}\n\n{}\n", guarantee.name, guarantee.promise);
        for test in guarantee.tests {
            let _ = writeln!(page, "- `{test}`");
        }
        let figures = measured["figures"][guarantee.name].as_object().cloned().unwrap_or_default();
        let words: Vec<String> = figures.iter().map(|(name, count)| format!("{name}: {count}")).collect();
        let _ = writeln!(
            page,
            "\nMeasured: {}\n",
            if words.is_empty() { "in `make test` only".to_owned() } else { words.join("; ") }
        );
    }
    page.push_str("## The fault catalogue\n\n| case | fault | tests, or the reason why there is none |\n|---|---|---|\n");
    for Case { id, provoked, held } in CASES {
        let held = match held {
            Ok(tests) => tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", "),
            Err(reason) => format!("no test: {reason}"),
        };
        let _ = writeln!(page, "| {id} | {provoked} | {held} |");
    }
    page
}

#[test]
fn the_page_of_guarantees_is_what_the_harness_measured() {
    let (data, path) = (root().join("docs/guarantees.json"), root().join("docs/guarantees.md"));
    let rewriting = std::env::var_os("CRM_BACKFILL_GOLDEN").is_some();
    if let Some(results) = std::env::var_os("CRM_BACKFILL_SOAK_RESULTS").filter(|_| rewriting) {
        let seconds: u64 = std::env::var("CRM_BACKFILL_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let figures = summed(&fs::read_to_string(results).unwrap());
        let measured = json!({ "version": env!("CARGO_PKG_VERSION"), "seconds": seconds, "figures": figures });
        fs::write(&data, format!("{measured:#}\n")).unwrap();
    }
    let measured: Value = serde_json::from_str(&fs::read_to_string(&data).unwrap()).unwrap();
    let wanted = page(&measured);
    if rewriting {
        fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted, "run make golden, or make soak");
}

#[test]
fn every_test_that_the_guarantees_name_exists() {
    let sources = sources();
    let named =
        GUARANTEES.iter().flat_map(|guarantee| guarantee.tests).chain(CASES.iter().filter_map(|case| case.held.ok()).flatten());
    let missing: Vec<_> = named.filter(|test| !sources.contains(&format!("fn {test}("))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_case_of_the_catalogue_occurs_once() {
    let of = |letter: char, last: u32| (1..=last).map(move |number| format!("{letter}{number}"));
    let wanted: Vec<String> = of('A', 15).chain(of('B', 17)).chain(of('C', 10)).chain(of('E', 15)).chain(of('F', 9)).collect();
    assert_eq!(CASES.iter().map(|case| case.id.to_owned()).collect::<Vec<_>>(), wanted);
}
