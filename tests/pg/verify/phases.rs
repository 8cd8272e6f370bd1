//! A phase that is the first to fill a table recreates its indexes after the rows, as a load into an empty CRM does.

use crate::pg::verify::demo_crm;
use crate::support::postgres::Database;

/// Indexes, keys and their definitions.
fn objects(crm: &Database) -> Vec<Vec<String>> {
    crm.rows(
        r#"select tablename::text, indexdef from pg_indexes where schemaname = 'public'
           union all
           select conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
           where connamespace = 'public'::regnamespace
           order by 1, 2"#,
    )
}

#[test]
fn a_phase_that_fills_a_table_recreates_its_indexes() {
    let (workdir, crm, _sources) = demo_crm::exported();
    let before = objects(&crm);
    for phase in ["4", "5", "6"] {
        workdir.ok("export-crm", &[]);
        workdir.ok("stage", &["--phase", phase]);
        for step in ["resolve", "consolidate", "score"] {
            workdir.ok(step, &[]);
        }
        let load = workdir.ok("load", &["--json", "--consumers-stopped", "--yes"]).json();
        let rebuilt = load["result"]["rebuilt_indexes_and_keys"].as_u64().unwrap();
        // Phase 4 loads into an empty CRM, phase 5 fills the activities, phase 6 changes profiles only.
        assert_eq!(rebuilt > 0, phase != "6", "phase {phase}: {rebuilt}");
        assert!(objects(&crm) == before, "phase {phase} left other indexes or keys");
        workdir.ok("verify", &[]).says("0 failed");
    }
    workdir.ok("load", &["--consumers-stopped", "--yes"]).says("nothing to do");
}
