//! Tests of the module.

use super::*;

#[test]
fn a_mistaken_setting_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backfill.toml");
    std::fs::write(&path, "[identity]\nscopee = \"tenant\"\n").unwrap();
    let error = Config::read(&path, true).unwrap_err();
    let fault = error.downcast_ref::<Fault>().unwrap();
    assert!(fault.at.as_ref().unwrap().ends_with("line 2"), "{fault:?}");
    assert_eq!(fault.help, ["did you mean \"scope\"?"]);
}

#[test]
fn the_whs_start_of_a_region_must_be_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backfill.toml");
    std::fs::write(&path, "[handicaps.whs]\nZA = \"2019-10-01\"\n").unwrap();
    let handicaps = Config::read(&path, true).unwrap().handicaps;
    let instants = Config::default().whs_from();
    assert_eq!(instants["1"].to_string(), "2019-12-31T22:00:00.000Z", "midnight in Johannesburg");
    assert_eq!(instants["2"].to_string(), "2020-11-02T00:00:00.000Z");
    assert_eq!(handicaps.whs_from("ZA").unwrap().to_string(), "2019-10-01");
    assert_eq!(handicaps.whs_from("GB"), None, "a table that is given replaces the default");
    std::fs::write(&path, "[handicaps.whs]\nZA = \"January 2020\"\n").unwrap();
    let fault = Config::read(&path, true).unwrap_err().downcast::<Fault>().unwrap();
    assert!(fault.what.contains("handicaps.whs.ZA"), "{}", fault.what);
}

#[test]
fn the_committed_settings_are_the_defaults() {
    let committed = Config::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("backfill.toml"), true).unwrap();
    let defaults = Config { expect: committed.expect.clone(), ..Config::default() };
    assert_eq!(committed.fingerprint(), defaults.fingerprint());
}
