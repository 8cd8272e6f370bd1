//! The report and the page for review in a headless Chromium: wide and narrow, light and dark, on paper, by keyboard.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::browser::{self, Browser};
use crate::support::missing::is_missing;
use crate::support::postgres::Database;
use crate::support::workdir::Workdir;
use crate::support::world;

/// A whole migration, verified and reported, that these tests read.
fn migrated() -> &'static Path {
    static MIGRATED: OnceLock<(Workdir, Database)> = OnceLock::new();
    let made = MIGRATED.get_or_init(|| {
        let crm = world::shared().crm();
        let mut workdir = Workdir::new();
        for (variable, url) in world::shared().source_urls() {
            workdir.set(variable, &url);
        }
        workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &crm.url);
        for step in world::exporters(6).chain(["export-crm", "stage", "resolve", "consolidate", "score", "load", "verify"]) {
            workdir.ok(step, &[]);
        }
        workdir.ok("resolve", &["--method", "strategy"]);
        workdir.ok("report", &[]);
        // A second run, so that the page has a run before to compare with.
        workdir.ok("report", &[]);
        (workdir, crm)
    });
    made.0.path()
}

/// A browser; `None` if the machine has none.
fn browser() -> Option<Browser> {
    (!is_missing("chromium", browser::program())).then(Browser::start)
}

/// Widths and colours in which a page is looked at.
const LOOKS: [(u32, bool, &str); 4] =
    [(1280, false, "wide"), (1280, true, "wide-dark"), (390, false, "narrow"), (390, true, "narrow-dark")];

/// Checks a page in every look: no message, no request, no overflow, nothing that axe-core finds.
fn look_at(page: &Path, name: &str, prepare: &str) {
    let Some(browser) = browser() else { return };
    let has_axe = !is_missing("axe-core", browser::axe());
    for (width, dark, look) in LOOKS {
        browser.open(page, width, dark);
        browser.value(prepare);
        browser.picture(&format!("{name}-{look}"));
        assert_eq!(browser.messages(), [""; 0], "{name} {look}");
        assert_eq!(browser.requests(), [""; 0], "{name} {look}");
        assert_eq!(browser.overflow(), 0, "{name} {look} scrolls sideways");
        if has_axe {
            assert_eq!(browser.violations(), [""; 0], "{name} {look}");
        }
    }
}

/// A resolved population and the page of its sample.
fn sampled(size: &str, show: bool) -> (Workdir, PathBuf) {
    let mut workdir = Workdir::new();
    for (variable, url) in world::shared().source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("AS_OF", world::AS_OF);
    for step in world::exporters(6).chain(["export-crm", "stage", "resolve"]) {
        workdir.ok(step, &[]);
    }
    let arguments = ["audit", "--sample", size, "--html", "--show"];
    workdir.ok("crm-backfill", if show { &arguments } else { &arguments[..4] });
    let page = workdir.data().join("audit/sample.html");
    (workdir, page)
}

#[test]
fn the_page_for_review_is_accessible_wide_and_narrow() {
    let (_workdir, page) = sampled("30", true);
    look_at(&page, "review", "document.querySelector('[data-verdict=different]').click()");
}

#[test]
fn a_masked_page_shows_no_value_and_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let (workdir, page) = sampled("30", false);
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("•••") && text.contains("masked values"), "values are masked");
    assert!(!text.contains("@mail") && !text.contains("@example"), "an email is shown");
    assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(page.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!workdir.path().join("audit.csv").exists());
    workdir.ok("purge", &["--yes"]);
    assert!(!page.exists(), "purge leaves no sample");
}

#[test]
fn twenty_pairs_are_judged_by_keyboard_and_read_back() {
    let Some(browser) = browser() else { return };
    let (workdir, page) = sampled("20", true);
    browser.open(&page, 1280, false);
    let count = browser.value("document.querySelectorAll('article').length").as_u64().unwrap();
    assert!(count >= 20, "{count} pairs");
    let current = || browser.value("document.querySelector('article:not([hidden]) h2').textContent").as_str().unwrap().to_owned();
    let left = || browser.value("document.getElementById('left').textContent").as_str().unwrap().to_owned();
    assert!(current().starts_with(&format!("1 of {count}")), "{}", current());
    // Both records, the evidence and its sum are there.
    let parts = "const at = document.querySelector('article:not([hidden])');
        [at.querySelectorAll('.values tr').length > 3, at.querySelectorAll('.waterfall .more').length > 0,
         at.querySelectorAll('.waterfall .sum').length].join()";
    assert_eq!(browser.value(parts), "true,true,1");

    // One wrong key and its undo, a remark with a comma and keys that are text there, and a reload.
    browser.press("d");
    assert!(left().starts_with(&format!("1 of {count} judged")) && current().starts_with("2 of"), "{} {}", left(), current());
    browser.press("z");
    assert!(left().starts_with("0 of") && current().starts_with("1 of"), "{} {}", left(), current());
    browser.value("document.getElementById('remark').focus()");
    ["s", "u", "d"].iter().for_each(|key| browser.press(key));
    browser.call("Input.insertText", json!({ "text": ", \"said\" Lee" }));
    browser.press("Escape");
    assert!(left().starts_with("0 of"), "keys in the remark are text: {}", left());
    browser.press("s");
    browser.press("ArrowRight");
    browser.press("d");
    browser.open(&page, 1280, false);
    assert!(left().starts_with(&format!("2 of {count} judged, {} left", count - 2)), "{}", left());
    assert!(current().starts_with("2 of"), "the first that is left: {}", current());
    browser.press("ArrowLeft");
    assert!(current().starts_with("1 of"), "{}", current());
    assert_eq!(browser.value("document.getElementById('remark').value"), "sud, \"said\" Lee");
    browser.press("f");
    assert!(current().starts_with("2 of"), "the filter hides what is judged: {}", current());
    browser.press("ArrowRight");
    assert!(current().starts_with("4 of"), "{}", current());
    browser.press("ArrowLeft");

    // Without shortcuts a key does nothing; a button still does.
    browser.value("document.getElementById('shortcuts').click()");
    browser.press("s");
    assert!(left().starts_with("2 of"), "{}", left());
    browser.value("document.getElementById('shortcuts').click()");
    browser.value("document.querySelector('[data-verdict=unsure]').click()");
    for _ in 3..count {
        browser.press("s");
    }
    assert!(left().starts_with(&format!("{count} of {count} judged, 0 left")), "{}", left());
    assert_eq!(browser.value("document.getElementById('done').hidden"), false);
    browser.press("v");
    let saved = browser.downloads().join("verdicts.csv");
    let started = Instant::now();
    while !saved.exists() {
        assert!(started.elapsed() < Duration::from_secs(20), "nothing was saved");
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = std::fs::read_to_string(&saved).unwrap();
    assert_eq!(text.lines().count() as u64, count + 1);
    assert!(text.contains(",same,\"sud, \"\"said\"\" Lee\"\n"), "{}", text.lines().nth(1).unwrap());
    assert!(!text.contains('@'), "the verdicts hold no personal value");
    let of = |verdict: &str| text.lines().filter(|line| line.contains(&format!(",{verdict},"))).count() as u64;
    assert_eq!((of("same"), of("different"), of("unsure")), (count - 2, 1, 1));
    assert_eq!(browser.messages(), [""; 0]);

    let saved = saved.to_str().unwrap();
    let shown = workdir.ok("audit", &["--verdicts", saved, "--by", "Lee", "--dry-run"]);
    shown.says("a dry run").says("cannot-link,");
    assert!(!workdir.path().join("decisions.csv").exists());
    let read = workdir.ok("audit", &["--verdicts", saved, "--by", "Lee", "--json"]).json();
    assert_eq!(
        (&read["result"]["unsure"], &read["result"]["blank"], &read["result"]["stale"]),
        (&1.into(), &0.into(), &0.into())
    );
    assert!(read["result"]["decisions"].as_u64() >= Some(1), "{read}");
    assert!(workdir.data().join("audit/verdicts.csv").exists());
    let line = workdir.ok("checklist", &["--json"]).json()["result"]["lines"][33].clone();
    let proof = line["proof"].as_str().unwrap();
    assert!(proof.ends_with(" of 200 verdicts on links given"), "{proof}");
}

#[test]
fn the_report_is_accessible_wide_and_narrow() {
    look_at(&migrated().join("data/report/index.html"), "report", "0");
}
