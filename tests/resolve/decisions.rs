//! `decisions.csv`: applied however it was saved, reported line by line, and never applied partly.

use crate::golden::exported;
use crate::support::workdir::{Run, Workdir};

fn staged() -> Workdir {
    let workdir = exported();
    workdir.ok("stage", &[]);
    workdir
}

fn resolve(workdir: &Workdir, decisions: &[u8]) -> Run {
    std::fs::write(workdir.path().join("decisions.csv"), decisions).unwrap();
    workdir.run("resolve", &[])
}

/// `state a b` of each decision, in order.
fn echoed(workdir: &Workdir) -> Vec<String> {
    workdir.ok("inspect", &["res__decisions", "--show", "--csv", "out.csv"]);
    let mut reader = csv::Reader::from_path(workdir.path().join("out.csv")).unwrap();
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| format!("{} {} {} {}", &row[4], &row[1], &row[2], &row[3])).collect()
}

#[test]
fn a_file_is_applied_however_it_was_saved() {
    let workdir = staged();
    let plain =
        "kind,a,b,reason,who,at\ncannot-link,mca_za:members:6,mca_za:members:7,\"one, two and \"\"three\"\"\",Eve,2026-11-22\n";
    let expected = ["APPLIED cannot-link mca_za:members:6 mca_za:members:7"];
    let semicolons = plain.replace("\"one, two and \"\"three\"\"\"", "one").replace(',', ";");
    for text in [plain.to_owned(), format!("\u{feff}{}", plain.replace('\n', "\r\n")), semicolons, format!("{plain}\n,,,,,\n")] {
        resolve(&workdir, text.as_bytes()).exits(0).says("decisions: 1 applied");
        assert_eq!(echoed(&workdir), expected, "{text:?}");
    }
}

#[test]
fn every_line_is_reported_even_duplicates_and_unknown_records() {
    let workdir = staged();
    let text = "kind,a,b\nmust-link,mca_uk:members:1,mca_uk:members:2\nmust-link,mca_uk:members:2,mca_uk:members:1\n\
                cannot-link,scl:members:10,scl:members:99\ncannot-link,scl:members:10,messaging:contacts:t3\n";
    resolve(&workdir, text.as_bytes())
        .exits(0)
        .says("decisions: 2 applied, 2 stale")
        .says("! cannot-link scl:members:10 scl:members:99: STALE")
        .says("! cannot-link scl:members:10 messaging:contacts:t3: STALE");
    let states: Vec<_> = echoed(&workdir).into_iter().map(|line| line.split_once(' ').unwrap().0.to_owned()).collect();
    assert_eq!(states, ["APPLIED", "APPLIED", "STALE", "STALE"], "a deleted contact is not linked");
}

#[test]
fn contradicting_decisions_stop_the_run_and_are_listed() {
    let workdir = staged();
    let pair = "kind,a,b\nmust-link,mca_uk:members:1,mca_uk:members:2\nmust-link,mca_uk:members:2,mca_uk:members:3\n\
                cannot-link,mca_uk:members:3,mca_uk:members:1\n";
    resolve(&workdir, pair.as_bytes())
        .exits(2)
        .says("the cannot-link of line 4 separates records that must-links join")
        .says("decisions.csv")
        .says("then: make resolve");
    let tenants = "kind,a,b\nmust-link,mca_uk:members:1,mca_za:members:1\n";
    resolve(&workdir, tenants.as_bytes()).exits(2).says("the must-link of line 2 joins people of two tenants");
    assert!(!workdir.data().join("resolve").exists(), "nothing was written");
}

#[test]
fn an_invalid_line_is_named_and_no_line_is_applied() {
    let workdir = staged();
    let head = "kind,a,b,reason,who,at\n";
    for (line, what) in [
        (
            "must-link,mca_uk:members:1,mca_uk:members:2,\"oops,Eve,2026\ncannot-link,mca_za:members:6,mca_za:members:7,,,\n",
            "line 2: a quotation mark is opened and never closed",
        ),
        ("maybe,mca_uk:members:1,mca_uk:members:2\n", "line 2: kind is must-link or cannot-link"),
        ("must-link,mca_uk:member:1,mca_uk:members:2\n", "line 2: a is a key such as scl:members:1001"),
        ("must-link,mca_uk:members:1\n", "line 2: b is a key such as scl:members:1001"),
        ("must-link,mca_uk:members:1,mca_uk:members:1\n", "line 2: a and b are the same record"),
    ] {
        resolve(&workdir, format!("{head}{line}").as_bytes()).exits(2).says(what).says("docs/identity.md has an example");
    }
    resolve(&workdir, b"art,a,b\n").exits(2).says("line 1: the header must be kind,a,b,reason,who,at");
    resolve(&workdir, b"kind,a,b,reason\nmust-link,mca_uk:members:1,mca_uk:members:2,caf\xe9\n")
        .exits(2)
        .says("the file is not UTF-8 text")
        .says("CSV UTF-8");
    assert!(!workdir.data().join("resolve").exists(), "nothing was written");
}
