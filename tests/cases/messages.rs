//! Messages (cases 13.6, 13.7): text from code in the database never appears in ours, and an unknown code is shown only if it
//! looks like a code.

use crate::support::postgres::database;
use crate::support::workdir::{Run, Workdir};
use crate::support::world;

/// A personal value that code in the database puts into its errors.
const VALUE: &str = "Thandiwe Canary";

fn all(run: &Run) -> String {
    format!("{}\n{}", run.stdout, run.stderr)
}

/// How code in the database reports an error with a value. `%` is the value.
const RAISES: &[&str] = &[
    "raise exception '%'",
    "raise exception using errcode = '42501', message = '%'",
    "raise exception using errcode = '57014', message = '%', hint = '%', detail = '%'",
    "raise exception using errcode = '42P01', message = '%', table = '%', column = '%', schema = '%'",
    "raise exception using errcode = '23505', message = '%', constraint = '%', table = '%', datatype = '%'",
    "raise exception using errcode = '08006', message = '%'",
    "raise exception using errcode = '55P03', message = '%'",
    "raise exception using errcode = 'CNARY', message = '%'",
    "raise exception using errcode = '22000', message = '%', column = '%'",
    "raise exception using errcode = 'XX000', message = '%'",
    "assert false, '%'",
    "execute 'select 1 from \"%\"'",
    "perform '%'::int",
];

fn datasets() -> Workdir {
    let mut workdir = Workdir::new();
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF);
    for step in world::exporters(6).chain(["stage", "resolve", "consolidate", "score"]) {
        workdir.ok(step, &[]);
    }
    workdir
}

/// Case 13.6: a trigger of the CRM that raises, with every kind of code and in every field.
#[test]
fn what_a_trigger_raises_is_withheld_whatever_its_code() {
    let mut workdir = datasets();
    for (number, raise) in RAISES.iter().enumerate() {
        let crm = world::shared().crm();
        let body = raise.replace('%', VALUE);
        crm.execute(&format!(
            "create function audit_{number}() returns trigger language plpgsql as $f$ begin {body}; return new; end $f$;
             create trigger audit after insert on \"CustomerProfile\" for each row execute function audit_{number}()"
        ));
        workdir.set("CRM_DATABASE_URL", &crm.url);
        for arguments in [&["--allow-triggers"][..], &["--allow-triggers", "--json"]] {
            let run = workdir.run("load", arguments).exits(14);
            let told = all(&run);
            assert!(!told.contains("Canary") && !told.contains("CNARY"), "{raise}: {told}");
            assert!(told.contains(&format!("function audit_{number}")) && told.contains("withheld"), "{raise}: {told}");
        }
    }
}

/// Case 13.6 for sources: a view on a function, a domain's check, a statement of a function in SQL.
#[test]
fn what_a_view_of_a_source_raises_is_withheld() {
    for (number, raise) in RAISES.iter().enumerate() {
        let source = database(include_str!("../../schemas/sources/scl.sql"));
        let body = raise.replace('%', VALUE);
        source.execute(&format!(
            "create function checked(name text) returns text language plpgsql as $f$ begin {body}; return name; end $f$;
             alter table \"Member\" rename to kept;
             insert into kept (\"id\", \"tenantId\", \"firstName\", \"status\", \"createdAt\", \"updatedAt\")
             values (1, 1, 'Ann', 'ACTIVE', now(), now())"
        ));
        let columns = source.rows(
            "select string_agg(case when attname = 'firstName' then 'checked(k.\"firstName\") as \"firstName\"' \
             else 'k.' || quote_ident(attname) end, ', ' order by attnum) from pg_attribute \
             where attrelid = 'kept'::regclass and attnum > 0",
        );
        source.execute(&format!(
            "create view \"Member\" as select {} from kept k; grant select on \"Member\" to bf_export",
            columns[0][0]
        ));
        let mut workdir = Workdir::new();
        workdir.set("SCL_DATABASE_URL", &source.url);
        for command in [&["export-scl"][..], &["export-scl", "--json"], &["check-connections"], &["verify", "--phase", "0"]] {
            let run = workdir.run(command[0], &command[1..]);
            let told = all(&run);
            assert!(!told.contains("Canary") && !told.contains("CNARY"), "{number} {command:?}: {told}");
        }
        workdir.run("export-scl", &[]).exits(14).says("withheld");
    }
}

/// Case 13.7: names in a column of codes (shifted columns) are counted but not shown.
#[test]
fn a_name_in_a_column_of_codes_is_counted_and_not_shown() {
    for names in [&["Thandiwe", "Canary Jones", "THANDIWE-CANARY"][..], &["thandiwe.canary"], &["Canary", "Canary"]] {
        let source = database(include_str!("../../schemas/sources/mca_za.sql"));
        source.execute("insert into members (id, first_name, last_name, email) values (1, 'a', 'b', 'ab@mail.test')");
        for (number, name) in names.iter().enumerate() {
            let id = number + 10;
            source.execute(&format!(
                "insert into members (id, first_name, last_name, email, gender, status)
                 values ({id}, 'Ann', 'Lee', 'ann{id}@mail.test', '{name}', '{name}')"
            ));
        }
        let mut workdir = Workdir::new();
        workdir.set("MCA_ZA_DATABASE_URL", &source.url).set("AS_OF", world::AS_OF);
        let uk = database(include_str!("../../schemas/sources/mca_uk.sql"));
        workdir.set("MCA_UK_DATABASE_URL", &uk.url);
        for step in ["export-mca-za", "export-mca-uk", "stage", "resolve", "consolidate", "score", "report"] {
            let arguments: &[&str] = if step == "stage" { &["--phase", "1", "-v"] } else { &["-v"] };
            let run = workdir.ok(step, arguments);
            let told = all(&run).to_lowercase();
            assert!(!told.contains("thandiwe") && !told.contains("canary"), "{step}: {told}");
        }
        for file in ["report/index.html", "report/report.json"] {
            let text = std::fs::read_to_string(workdir.data().join(file)).unwrap().to_lowercase();
            assert!(!text.contains("thandiwe") && !text.contains("canary"), "{file}");
        }
    }
}

/// Case 13.7: a frequent unknown code is shown, so that it can be mapped.
#[test]
fn a_frequent_unknown_code_is_shown() {
    let source = database(include_str!("../../schemas/sources/mca_za.sql"));
    source.execute(
        "insert into members (id, first_name, last_name, email, status)
         select n, 'Ann', 'Lee', 'ann' || n || '@mail.test', 'hibernating' from generate_series(1, 5) n",
    );
    let uk = database(include_str!("../../schemas/sources/mca_uk.sql"));
    let mut workdir = Workdir::new();
    workdir.set("MCA_ZA_DATABASE_URL", &source.url).set("MCA_UK_DATABASE_URL", &uk.url).set("AS_OF", world::AS_OF);
    workdir.ok("export-mca-za", &[]);
    workdir.ok("export-mca-uk", &[]);
    workdir.ok("stage", &["--phase", "1"]).says("hibernating");
}
