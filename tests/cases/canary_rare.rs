//! Canaries where a run ends as runs seldom do: above a threshold, with an unknown commit, by a bug, by a signal.

use crm_backfill::model::Source;
use rustix::process::Signal;

use crate::cases::canary::{Search, try_out, with_password};
use crate::cases::dumps::{Dumps, steps, workdir};
use crate::support::postgres::database;
use crate::support::proxy::{Fault, Proxy};
use crate::support::workdir::Workdir;

const AS_OF: &str = "2025-12-01T00:00:00Z";

/// Contacts whose every cell is a canary; typed ones cannot be read.
fn unreadable() -> Dumps {
    let mut dumps = Dumps::default();
    for row in 0..4 {
        let text = |what: &str| format!("Kanarie {what} {row}");
        dumps.row(
            Source::Messaging,
            "contacts",
            &[
                ("id", &format!("kanarie-{row}")),
                ("tenant_id", "1"),
                ("email", &format!("kanarie{row}@kanarie.test")),
                ("phone_number", "+27 82 9183746"),
                ("email_opt_in", &text("flag")),
                ("sms_opt_in", &text("flag")),
                ("created_at", &text("day")),
                ("updated_at", &text("day")),
                ("deleted_at", &text("day")),
            ],
        );
        dumps.preference(&format!("kanarie-p{row}"), &format!("kanarie-{row}"), "Kanarie", "Kanarie", "Kanarie");
    }
    dumps
}

fn readable() -> Dumps {
    let mut dumps = Dumps::default();
    for row in 0..40 {
        let id = format!("c{row}");
        dumps.contact(&id, &[("email", &format!("kanarie{row}@kanarie.test")), ("phone_number", "+27829183746")]);
        dumps.preference(&format!("p{row}"), &id, "EMAIL", "true", "2024-05-01 10:00:00+00");
    }
    dumps
}

/// 13: columns that cannot be read, and rows that are left out.
#[test]
fn a_step_that_stops_at_its_threshold_shows_no_cell() {
    let mut search = Search::default();
    let workdir = workdir(AS_OF);
    unreadable().export(&workdir);
    for arguments in [&[][..], &["--with-values"]] {
        assert_eq!(try_out(&mut search, &workdir, "stage", arguments), 13);
    }
    workdir.edit("backfill.toml", "max_unreadable_decisive = 1 ", "max_unreadable_decisive = 100 ");
    assert_eq!(try_out(&mut search, &workdir, "stage", &[]), 13);
    workdir.edit("backfill.toml", "max_reject_ratio = 1.0", "max_reject_ratio = 0.0");
    try_out(&mut search, &workdir, "stage", &[]);
    search.folder(&workdir.data().join("runs"));
    assert!(search.found.is_empty(), "{}", search.found.join("\n"));
}

/// 15, and the 14 of a connection that ends in the middle.
#[test]
fn a_load_whose_commit_is_unknown_shows_no_value_and_no_password() {
    let mut search = Search::default();
    for (fault, code) in [(Fault::LoseCommitAnswer, 15), (Fault::CutAfter(20_000), 14)] {
        for voice in ["-v", "--json"] {
            let crm = database(include_str!("../../schemas/crm.sql"));
            let mut workdir = workdir(AS_OF);
            readable().export(&workdir);
            workdir.set("CRM_DATABASE_URL", &with_password(&crm.url));
            workdir.ok("export-crm", &[]);
            steps(&workdir);
            let proxy = Proxy::start(&with_password(&crm.url), fault);
            proxy.close_after_first();
            workdir.set("CRM_DATABASE_URL", &proxy.url);
            let run = workdir.run("load", &["--other-crm", voice]);
            assert_eq!(run.code, code, "{}\n{}", run.stdout, run.stderr);
            search.run(&run, "load");
            try_out(&mut search, &workdir, "status", &[]);
            for folder in ["runs", "crm"] {
                search.folder(&workdir.data().join(folder));
            }
        }
    }
    assert!(search.found.is_empty(), "{}", search.found.join("\n"));
}

/// 128 + n, whatever the command is at.
#[test]
fn a_signal_shows_no_value() {
    let crm = database(include_str!("../../schemas/crm.sql"));
    let mut workdir = workdir(AS_OF);
    readable().export(&workdir);
    workdir.set("CRM_DATABASE_URL", &with_password(&crm.url));
    workdir.ok("export-crm", &[]);
    steps(&workdir);
    let mut search = Search::default();
    for binary in ["resolve", "load", "verify", "report"] {
        for (signal, wait) in [(Signal::INT, 3), (Signal::TERM, 30), (Signal::HUP, 80)] {
            for voice in ["-v", "--json"] {
                search.run(&signalled(&workdir, binary, &[voice], signal, wait), binary);
            }
        }
    }
    search.folder(&workdir.data().join("runs"));
    assert!(search.codes.iter().any(|code| *code > 128), "{:?}", search.codes);
    assert!(search.found.is_empty(), "{}", search.found.join("\n"));
}

fn signalled(
    workdir: &Workdir,
    binary: &str,
    arguments: &[&str],
    signal: Signal,
    milliseconds: u64,
) -> crate::support::workdir::Run {
    let mut started = workdir.start(binary, arguments);
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    if !started.has_ended() {
        started.signal(signal);
    }
    started.end()
}

/// 70: a column of tenants that holds people instead, more of them than there can be tenants.
#[test]
fn a_bug_shows_its_place_and_no_value() {
    let workdir = workdir(AS_OF);
    Dumps::default().export(&workdir);
    let mut text =
        "id,tenant_id,email,phone_number,auth_user_id,email_opt_in,sms_opt_in,created_at,updated_at,deleted_at\n".to_owned();
    for row in 0..65_600 {
        text += &format!("{row},kanarie{row}@kanarie.test,,+27829183746,,,,,,\n");
    }
    let folder = workdir.path().join("dumps/messaging");
    std::fs::write(folder.join("contacts.csv"), text).unwrap();
    workdir.ok("export-messaging", &["--csv", folder.to_str().unwrap()]);
    workdir.ok("export-crm", &[]);
    let mut search = Search::default();
    try_out(&mut search, &workdir, "stage", &[]);
    let code = try_out(&mut search, &workdir, "resolve", &[]);
    assert_eq!(code, 70, "whoever mends this finds another bug for the canary");
    search.folder(&workdir.data().join("runs"));
    assert!(search.found.is_empty(), "{}", search.found.join("\n"));
}
