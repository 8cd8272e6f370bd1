//! `evidence`: the archive of a small run, and what its check finds.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::golden::exported;
use crate::support::workdir::Workdir;

fn reported() -> Workdir {
    let workdir = exported();
    std::fs::write(
        workdir.path().join("expectations.csv"),
        "kind,who,expected,reason,by,at\nopted-out,thandi.nkosi@mail.test,EMAIL\n",
    )
    .unwrap();
    for step in ["stage", "resolve", "consolidate", "score", "report"] {
        workdir.ok(step, &[]);
    }
    workdir
}

/// The names and texts of an archive, by the system's tar.
fn unpacked(archive: &Path) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let listed = Command::new("tar").arg("-tf").arg(archive).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let read =
        |name: &str| (name.to_owned(), String::from_utf8_lossy(&std::fs::read(folder.path().join(name)).unwrap()).into_owned());
    names.lines().map(read).collect()
}

#[test]
fn the_archive_has_what_proves_a_migration_and_no_personal_values() {
    let workdir = reported();
    let made = workdir.ok("evidence", &["--json"]).json()["result"].clone();
    let archive = workdir.data().join("evidence.tar");
    assert_eq!(std::fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
    let files = unpacked(&archive);
    for name in [
        "contents.json",
        "manifests/crm.json",
        "manifests/exports/scl.json",
        "settings/settings.json",
        "settings/decisions.csv",
        "settings/reference/channels.csv",
        "checks/check__proofs.csv",
        "report/index.html",
        "report/report.json",
    ] {
        assert!(files.iter().any(|(known, _)| known == name), "{name}");
    }
    assert!(files.iter().any(|(name, _)| name.starts_with("runs/") && name.ends_with("-consolidate.json")));
    for (name, text) in &files {
        assert!(!text.to_lowercase().contains("@mail.test") && !text.contains("825551234"), "{name} has a contact point");
    }
    let contents: serde_json::Value =
        serde_json::from_str(&files.iter().find(|(name, _)| name == "contents.json").unwrap().1).unwrap();
    assert!(contents["datasets"]["crm/crm__customer_profiles.parquet"]["blake3"].is_string());
    assert_eq!(made["missing"].as_array().unwrap().len(), 2, "nothing is verified or audited: {made:#}");
    let first = std::fs::read(&archive).unwrap();
    let again = workdir.ok("evidence", &["--out", "again.tar", "--json"]).json()["result"].clone();
    assert_eq!(again["seal"], made["seal"]);
    assert_eq!(std::fs::read(workdir.path().join("again.tar")).unwrap(), first, "the same folder gives the same bytes");
}

#[test]
fn a_judged_sample_is_archived_without_its_values() {
    let workdir = reported();
    workdir.ok("audit", &["--sample", "20", "--show", "--out", "audit.csv"]);
    workdir.ok("evidence", &["--verdicts", "audit.csv"]);
    let files = unpacked(&workdir.data().join("evidence.tar"));
    let verdicts = &files.iter().find(|(name, _)| name == "verdicts/verdicts.csv").unwrap().1;
    assert!(verdicts.starts_with("a,b,linked,stratum,bits,evidence,verdict\n"), "{verdicts}");
    assert!(!verdicts.contains("@mail.test"), "{verdicts}");
    workdir.run("evidence", &["--verdicts", "nowhere.csv"]).exits(2).says("there is no such file");
}

#[test]
fn the_sample_that_audit_keeps_is_archived_without_being_named() {
    let workdir = reported();
    workdir.ok("evidence", &[]).says("no sample was judged");
    workdir.ok("audit", &["--sample", "20", "--out", "audit.csv"]);
    workdir.ok("audit", &["--verdicts", "audit.csv", "--by", "Lee"]);
    let made = workdir.ok("evidence", &["--json"]).json()["result"].clone();
    assert_eq!(made["missing"].as_array().unwrap().len(), 1, "nothing is verified: {made:#}");
    let files = unpacked(&workdir.data().join("evidence.tar"));
    assert!(files.iter().any(|(name, _)| name == "verdicts/verdicts.csv"));
}

#[test]
fn the_check_finds_a_changed_archive_and_a_changed_dataset() {
    let workdir = reported();
    workdir.ok("evidence", &["--out", "e.tar"]);
    let seal = workdir.ok("evidence", &["--check", "e.tar", "--json"]).json()["result"]["seal"].clone();
    let path = workdir.path().join("e.tar");
    let bytes = std::fs::read(&path).unwrap();

    // A result that was edited in the archive.
    let at = bytes.windows(6).position(|window| window == b"check,").unwrap();
    let mut edited = bytes.clone();
    edited[at] = b'C';
    std::fs::write(&path, &edited).unwrap();
    workdir.run("evidence", &["--check", "e.tar"]).exits(16).says("in the archive was changed");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    workdir.run("evidence", &["--check", "e.tar"]).exits(11).says("not a complete archive");
    std::fs::write(&path, &bytes).unwrap();

    // A dataset that was changed, then all of them purged.
    let profiles = workdir.data().join("crm/crm__customer_profiles.parquet");
    let kept = std::fs::read(&profiles).unwrap();
    std::fs::write(&profiles, &kept[1..]).unwrap();
    let run = workdir.run("evidence", &["--check", "e.tar"]).exits(16);
    run.says("crm/crm__customer_profiles.parquet of the data folder differs");
    std::fs::write(&profiles, &kept).unwrap();
    workdir.ok("purge", &["--yes"]);
    let checked = workdir.ok("evidence", &["--check", "e.tar", "--json"]).json()["result"].clone();
    assert_eq!(checked["seal"], seal);
    assert_eq!(checked["datasets"]["purged"], checked["datasets"]["listed"], "their hashes stay in purged.json");
}

#[test]
fn evidence_of_outdated_datasets_is_refused() {
    let workdir = reported();
    workdir.edit("backfill.toml", "keyless = \"profile\"", "keyless = \"skip\"");
    workdir.run("evidence", &[]).exits(11).says("the settings changed");
}
