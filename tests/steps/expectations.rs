//! `expectations.csv`: what the owner knows of some people is checked on every run, and shown until it is met.

use crate::golden::exported;
use crate::support::postgres::database;
use crate::support::workdir::{Run, Workdir};

/// True of the small world: Thandi is five records, opted out; Ann of SCL is alone in tenant 9.
const MET: &str = "kind,who,expected,reason,by,at\n\
    same-person,mca_za:members:1,scl:members:10,plays with the owner,Eve,2026-11-22\n\
    different-people,mca_za:members:1,mca_uk:members:1\n\
    opted-out,Thandi.Nkosi@mail.test,EMAIL\n\
    opted-out,082 555 1234,SMS\n\
    opted-out,mca_za:members:1,PUSH\n\
    tenant,scl:members:12,9\n";
/// Not true of it; lines 8 to 12.
const UNMET: &str = "same-person,mca_za:members:1,mca_uk:members:1\n\
    different-people,mca_za:members:1,mca_za:members:2\n\
    tenant,scl:members:12,1\n\
    opted-out,unknown.person@mail.test,EMAIL\n\
    same-person,scl:members:10,scl:members:99\n";

fn resolved() -> Workdir {
    let workdir = exported();
    workdir.ok("stage", &[]);
    workdir.ok("resolve", &[]);
    workdir
}

fn consolidate(workdir: &Workdir, expectations: &str) -> Run {
    std::fs::write(workdir.path().join("expectations.csv"), expectations).unwrap();
    workdir.run("consolidate", &[])
}

#[test]
fn expectations_that_are_met_are_counted_and_change_nothing() {
    let workdir = resolved();
    let profiles = |workdir: &Workdir| {
        let files = workdir.fingerprint("crm");
        files.into_iter().filter(|(name, _)| name.contains("crm__")).collect::<Vec<_>>()
    };
    workdir.ok("consolidate", &[]);
    let before = profiles(&workdir);
    consolidate(&workdir, MET).exits(0).says("6 of 6 expectations of the owner are met");
    assert_eq!(profiles(&workdir), before);
}

#[test]
fn what_is_not_met_ends_every_run_with_16_and_its_lines() {
    let workdir = resolved();
    let told = [
        "5 of 11 expectations of the owner are not met",
        "line 8, same-person: two profiles instead of one profile (mca_za:members:1, mca_uk:members:1)",
        "line 9, different-people: one profile instead of two profiles (mca_za:members:1, mca_za:members:2)",
        "line 10, tenant: tenant 9 instead of tenant 1 (scl:members:12)",
        "line 11, opted-out: a contact point that no profile has instead of opted out of EMAIL",
        "line 12, same-person: a record that is not exported instead of one profile (scl:members:99)",
    ];
    let run = consolidate(&workdir, &format!("{MET}{UNMET}")).exits(16);
    let again = workdir.run("consolidate", &[]).exits(16).says("nothing to do");
    for run in [run, again] {
        let run = told.iter().fold(run, |run, line| run.says(line));
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("unknown.person"), "no contact point is printed");
    }
    workdir.ok("score", &[]);
    workdir.ok("report", &[]);
    let line = "Meet the owner's expectations";
    workdir.ok("checklist", &[]).says(line).says("line 9, different-people");
    workdir.ok("overview", &[]).says(line);
    let page = std::fs::read_to_string(workdir.data().join("report/index.html")).unwrap();
    assert!(page.contains("line 9, different-people") && !page.contains("unknown.person"));

    // A corrected file is an input like any other.
    std::fs::write(workdir.path().join("expectations.csv"), MET).unwrap();
    workdir.run("score", &["--force"]).exits(11).says("the expectations of the owner changed");
    workdir.ok("consolidate", &[]);
    let lines = workdir.ok("checklist", &["--json"]).json()["result"]["lines"].clone();
    let state = lines.as_array().unwrap().iter().find(|known| known["words"] == line).unwrap()["state"].clone();
    assert_eq!(state, "DONE");
}

#[test]
fn verification_has_a_check_of_this_name_only_where_something_is_expected() {
    let mut workdir = resolved();
    let crm = database(include_str!("../../schemas/crm.sql"));
    workdir.set("CRM_DATABASE_URL", &crm.url);
    let verify = |workdir: &Workdir, expectations: Option<&str>| {
        if let Some(text) = expectations {
            std::fs::write(workdir.path().join("expectations.csv"), text).unwrap();
        }
        workdir.run("consolidate", &[]);
        workdir.ok("score", &[]);
        workdir.ok("load", &[]);
        workdir.run("verify", &[])
    };
    let none = verify(&workdir, None).exits(0);
    assert!(!none.stdout.contains("expectations"), "{}", none.stdout);
    verify(&workdir, Some(&format!("{MET}{UNMET}"))).exits(16).says("× expectations").says("line 10, tenant");
    verify(&workdir, Some(MET)).exits(0).says("✓ expectations");
}

#[test]
fn a_phase_checks_only_what_it_can_tell() {
    let workdir = exported();
    workdir.ok("stage", &["--phase", "2"]);
    workdir.ok("resolve", &[]);
    consolidate(&workdir, MET).exits(0).says("3 of 3 expectations");
}

#[test]
fn a_file_that_cannot_be_read_stops_the_run_with_its_line() {
    let workdir = resolved();
    let run = consolidate(&workdir, "kind,who,expected,reason,by,at\nopted-out,anna@mail.test,FAX,,,\n").exits(2);
    let run = run.says("line 2: expected is the channel").says("expectations.csv");
    assert!(!run.stderr.contains("anna"), "{}", run.stderr);
}
