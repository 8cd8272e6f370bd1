//! The fault catalogue: every case with its tests, or the reason why there is none.

/// One case.
pub struct Case {
    /// Letter and number.
    pub id: &'static str,
    /// The fault.
    pub provoked: &'static str,
    /// The names of the tests, or the reason why there is none.
    pub held: Result<&'static [&'static str], &'static str>,
}

const fn held(id: &'static str, provoked: &'static str, tests: &'static [&'static str]) -> Case {
    Case { id, provoked, held: Ok(tests) }
}

const fn not_here(id: &'static str, provoked: &'static str, reason: &'static str) -> Case {
    Case { id, provoked, held: Err(reason) }
}

/// All cases in order: A input, B faults, C concurrency, E security, F correctness.
pub const CASES: &[Case] = &[
    held("A1", "NUL bytes in text", &["bad_lines_are_left_out_each_with_its_line_and_values_stay_as_they_are"]),
    held("A2", "bytes that are not text of the declared encoding", &["a_wrong_declared_encoding_rejects_lines_not_the_file"]),
    held("A3", "byte order marks, UTF-16, line ends", &["utf_16_is_read_by_its_mark_or_by_its_name_and_without_both_is_told"]),
    held(
        "A4",
        "quotes: doubled, unmatched, newlines, endless fields",
        &["an_unmatched_quote_costs_its_own_line_only", "a_line_beyond_a_megabyte_is_rejected_and_the_next_is_read"],
    ),
    held(
        "A5",
        "columns reordered, missing, unknown, twice; tables that changed between two exports",
        &[
            "missing_unknown_and_duplicate_columns_are_listed_together",
            "a_source_that_changed_its_tables_or_is_another_sources_is_not_exported",
        ],
    ),
    held("A6", "the ends of time, infinities, BC, NaN", &["every_value_is_the_servers_own_text"]),
    held("A7", "impossible birth dates and handicaps", &["infinities_and_impossible_years_are_null_and_counted"]),
    held(
        "A8",
        "local times around summer time, other zones of server and tool",
        &["london_follows_summer_time_and_the_rule_for_its_gap_and_overlap"],
    ),
    held("A9", "ids twice, with blanks, as text", &["duplicate_ids_and_missing_ids_are_left_out_and_listed"]),
    held("A10", "spellings of email", &["values_keep_dots_and_tags_and_keys_do_not_keep_tags", "look_alikes_stay_apart"]),
    held("A11", "spellings of phone; one number on many people", &["a_hundred_thousand_records_with_one_number_stay_apart"]),
    held("A12", "an empty source", &["an_emptied_or_shrunken_entity_is_refused_until_it_is_allowed_by_name"]),
    held(
        "A13",
        "a source that lost more than a fifth",
        &["an_emptied_or_shrunken_entity_is_refused_until_it_is_allowed_by_name"],
    ),
    held(
        "A14",
        "flipped bits, cut files, files of other sources, unlisted files",
        &["one_flipped_bit_in_any_file_is_always_noticed", "damaged_and_missing_files_are_refused_with_advice"],
    ),
    held(
        "A15",
        "a manifest missing, half, edited, of another version",
        &["every_edit_of_a_manifest_is_detected", "an_edited_manifest_is_refused_even_with_a_new_hash"],
    ),
    held("B1", "a step killed at every system call on files", &["a_step_killed_at_any_call_leaves_the_former_or_the_new_folder"]),
    held("B2", "system calls that fail", &["a_disk_that_fails_at_any_call_keeps_the_former_folder"]),
    held("B3", "a small disk", &["a_step_that_runs_out_of_disk_keeps_the_former_folder"]),
    not_here(
        "B4",
        "the CRM server's disk full",
        "the server's transaction protects the CRM; a tablespace on a small disk would need root on every test machine",
    ),
    held("B5", "a loader killed after any byte that it sends", &["a_load_killed_after_any_byte_leaves_the_crm_whole"]),
    held("B6", "a loader killed at random moments", &["a_load_killed_at_any_moment_leaves_the_crm_whole"]),
    not_here(
        "B7",
        "a server process killed with -9",
        "it would end the sessions of all other tests; for the loader it is the same as a cut connection (B9)",
    ),
    held("B8", "sessions ended by the server", &["a_session_ended_by_the_server_leaves_nothing_under_the_final_name"]),
    held(
        "B9",
        "a connection cut after any byte",
        &["a_load_cut_after_any_byte_reports_the_true_outcome", "a_connection_cut_at_any_place_leaves_the_crm_whole"],
    ),
    held(
        "B10",
        "the answer to COMMIT lost",
        &["a_lost_answer_to_the_commit_is_looked_up", "an_outcome_that_cannot_be_looked_up_is_unknown"],
    ),
    held("B11", "a connection that stalls", &["an_interrupted_load_verify_or_rollback_does_not_change_the_crm"]),
    held("B12", "timeouts of role and database", &["all_tables_are_read_at_one_instant_during_other_writes"]),
    not_here(
        "B13",
        "the holder of a shared snapshot ended",
        "one session reads all datasets of a source, so there is no shared snapshot",
    ),
    held("B14", "a standby as source", &["another_encoding_or_a_standby_is_refused"]),
    held(
        "B15",
        "signals, a dead pipe, a full standard output",
        &[
            "an_interrupted_step_reports_its_true_outcome",
            "a_reader_that_goes_away_is_not_an_error",
            "a_result_that_cannot_be_written_is_a_failure",
        ],
    ),
    not_here(
        "B16",
        "clocks that jump",
        "no content depends on a clock: as_of is an input, and tests/tidy forbids clocks below the command line",
    ),
    held("B17", "a file replaced between check and read", &["the_hashed_file_is_read_even_if_its_name_is_reused"]),
    held("C1", "two loaders", &["a_second_loader_is_told_who_holds_the_lock"]),
    held("C2", "two steps in one data folder", &["two_steps_in_one_data_folder_do_not_run_at_once"]),
    held(
        "C3",
        "a load during a rollback or purge",
        &["two_steps_in_one_data_folder_do_not_run_at_once", "a_second_loader_is_told_who_holds_the_lock"],
    ),
    held("C4", "a lock whose holder was killed", &["a_load_killed_at_any_moment_leaves_the_crm_whole"]),
    held("C5", "writers during an export", &["an_export_during_writes_is_consistent"]),
    held("C6", "writers in the CRM during a load", &["concurrent_writers_are_listed_and_stop_a_load"]),
    held("C7", "a rollback during other writes", &["a_rollback_during_other_writes_is_refused_without_its_option"]),
    held("C8", "a unique key taken by somebody else", &["rows_with_a_taken_unique_key_are_counted_and_not_inserted"]),
    held(
        "C9",
        "tables of a source changed during or between exports",
        &["a_source_that_changed_its_tables_or_is_another_sources_is_not_exported"],
    ),
    not_here("C10", "deadlocks", "a load locks all tables in one statement and in one order before it writes"),
    held(
        "E1",
        "canary values in every message",
        &["a_value_too_long_for_its_column_stops_the_load_unquoted", "mistakes_are_named_without_repeating_the_url"],
    ),
    held(
        "E2",
        "passwords in any position",
        &[
            "a_password_file_is_used_only_if_other_users_cannot_read_it",
            "connection_errors_name_their_cause_and_never_the_password",
        ],
    ),
    held("E3", "umask 000", &["files_are_readable_by_their_owner_only_whatever_the_umask"]),
    held(
        "E4",
        "symbolic links, world-writable folders, planted files",
        &["symbolic_links_and_world_writable_data_folders_are_refused"],
    ),
    held("E5", "secrets that others can read", &["a_password_file_is_used_only_if_other_users_cannot_read_it"]),
    held("E6", "TLS", &["remote_hosts_are_verified_by_default"]),
    held("E7", "hostile names of tables and columns", &["a_schema_of_an_orm_becomes_the_search_path_whatever_its_name"]),
    held(
        "E8",
        "hostile segment rules",
        &["a_hundred_thousand_damaged_rules_are_read_or_refused_and_never_break", "no_value_of_a_rule_is_part_of_a_statement"],
    ),
    not_here("E9", "functions planted in a writable schema", "the search path starts with pg_catalog; it has no separate test"),
    not_here("E10", "what each role must not do", "tests/cases/roles.rs tests the role scripts"),
    held(
        "E11",
        "formulas in CSV",
        &[
            "a_phone_number_stays_readable_and_a_formula_does_not_run",
            "a_formula_behind_any_delimiter_or_line_break_does_not_run_either",
        ],
    ),
    held("E12", "masked values", &["values_are_masked_unless_they_are_asked_for"]),
    held(
        "E13",
        "a purge",
        &["a_purge_refuses_links_whose_targets_it_would_leave", "links_stop_a_purge_and_hard_links_are_reported"],
    ),
    not_here("E14", "one person erased", "tests/cases/living.rs tests that the loader keeps an erasure"),
    held("E15", "one email in two tenants", &["no_records_are_linked_across_tenants_but_the_pair_is_listed"]),
    held("F1", "a population whose truth is known", &["confidence_claims_no_more_than_an_unseen_population_shows"]),
    held(
        "F2",
        "other orders, batches, threads",
        &["order_batches_and_threads_change_nothing", "the_same_bytes_come_out_of_one_thread_and_of_four"],
    ),
    held(
        "F3",
        "the same twice",
        &["a_second_load_changes_nothing_and_says_so", "six_phases_in_turn_and_one_backfill_end_in_the_same_crm"],
    ),
    held("F4", "opt-outs in any order", &["every_combination_of_four_pieces_of_evidence_follows_the_rules"]),
    held("F5", "the ledger", &["a_row_that_vanishes_in_staging_stops_the_build_and_nothing_is_written"]),
    held("F6", "one wrong value", &["a_single_wrong_value_fails_its_check"]),
    held("F7", "rollback", &["foreign_rows_survive_a_second_load_and_a_rollback", "a_rollback_restores_an_empty_crm"]),
    held("F8", "indexes and keys after a load", &["indexes_and_keys_are_the_same_after_a_first_load"]),
    held("F9", "metrics and scores recomputed", &["sql_over_the_crm_finds_the_same_metrics_and_scores"]),
];
