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

/// The folder of a whole migration, verified and reported, that these tests read.
fn migrated() -> &'static Path {
    migration().0.path()
}

/// Its CRM.
fn migrated_crm() -> &'static Database {
    &migration().1
}

fn migration() -> &'static (Workdir, Database) {
    static MIGRATED: OnceLock<(Workdir, Database)> = OnceLock::new();
    MIGRATED.get_or_init(|| {
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
    })
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
fn forms_of_names_are_marked_and_competitors_have_values() {
    let (_workdir, page) = sampled("900", true);
    let page = std::fs::read_to_string(page).unwrap();
    let articles: Vec<&str> = page.split("<article ").skip(1).collect();
    let is_marked = |article: &&&str, likeness: &str, label: &str| {
        article.contains(&format!("<tr class=\"{likeness}\"><th scope=\"row\">{label}</th>"))
    };
    let marked =
        |likeness: &'static str, label: &'static str| articles.iter().filter(move |article| is_marked(article, likeness, label));
    assert!(marked("alike", "given name").count() > 0, "no nickname and no slip");
    // Names that the evidence counts for a link are never marked as different.
    for article in marked("different", "given name") {
        assert!(!article.contains("first name equal") && !article.contains("first name a form or slip"), "{article}");
    }
    let rivals: Vec<&str> = articles.iter().filter(|article| article.contains("candidate, AMBIGUOUS")).copied().collect();
    assert!(!rivals.is_empty(), "no ambiguous pair");
    for article in rivals {
        let competitor = &article[article.find("could be the same person as").expect("a competitor")..];
        assert!(competitor[..competitor.find("</li>").unwrap()].contains("<dt>"), "without values: {article}");
    }
}

#[test]
fn the_result_of_a_pair_is_hidden_until_it_is_judged_or_asked_for() {
    let Some(browser) = browser() else { return };
    let (_workdir, page) = sampled("20", true);
    browser.open(&page, 1280, false);
    // The rule, the result, the evidence, and whose profile other records are in.
    let told = || {
        let shown = "[...document.querySelectorAll('article:not([hidden]) .told')].filter((of) => of.checkVisibility()).length";
        browser.value(shown).as_u64().unwrap() > 0
    };
    let said = || browser.value("document.getElementById('said').textContent").as_str().unwrap().to_owned();
    assert!(!told(), "hidden at first");
    browser.press("r");
    assert!(told(), "asked for");
    browser.press("ArrowRight");
    assert!(!told(), "of one pair only");
    browser.press("s");
    assert!(said().starts_with("Pair 2: same person. It is ") && !told(), "{}", said());
    browser.press("ArrowLeft");
    assert!(told(), "judged");
    browser.press("ArrowRight");
    browser.press("b");
    assert!(told(), "not blind");
    browser.open(&page, 1280, false);
    browser.press("ArrowRight");
    assert!(told(), "and that is kept");
}

#[test]
fn pairs_are_shuffled_and_shown_by_kind() {
    let Some(browser) = browser() else { return };
    let (_workdir, page) = sampled("60", true);
    browser.open(&page, 1280, false);
    let of = |value: &str| {
        browser
            .value(&format!("[...document.querySelectorAll('article')].map((of) => of.dataset.{value})"))
            .as_array()
            .unwrap()
            .clone()
    };
    let (strata, linked) = (of("stratum"), of("linked"));
    assert!(strata.windows(2).filter(|two| two[0] != two[1]).count() > strata.len() / 2, "{strata:?}");
    assert!(linked[..20].contains(&"no".into()) && linked[..20].contains(&"yes".into()), "{linked:?}");

    let choose = |kind: &str| {
        browser.value(&format!(
            "document.getElementById('kind').value = {kind:?}; document.getElementById('kind').dispatchEvent(new Event('change'))"
        ))
    };
    let shown = || browser.value("document.querySelector('article:not([hidden])').dataset.linked");
    choose("not linked");
    for _ in 0..3 {
        assert_eq!(shown(), "no");
        browser.press("u");
    }
    let left = browser.value("document.getElementById('left').textContent").as_str().unwrap().to_owned();
    assert!(left.contains("Verdicts on links: 0;") && left.ends_with("Unsure: 3; they do not count."), "{left}");
    choose(strata[0].as_str().unwrap());
    assert_eq!(browser.value("document.querySelector('article:not([hidden])').dataset.stratum"), strata[0]);
    assert_eq!(browser.messages(), [""; 0]);
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
    let read = workdir.ok("audit", &["--verdicts", saved, "--by", "Lee", "--yes", "--json"]).json();
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

fn report() -> PathBuf {
    migrated().join("data/report/index.html")
}

/// The numbers of the report.
fn numbers() -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(report().with_file_name("report.json")).unwrap()).unwrap()
}

#[test]
fn the_report_is_accessible_wide_and_narrow() {
    look_at(&report(), "report", "0");
    // With everything open, which is where the wide tables are.
    look_at(&report(), "report-open", "document.querySelectorAll('details').forEach((of) => (of.open = true))");
}

#[test]
fn text_in_charts_keeps_its_size_on_a_phone() {
    let Some(browser) = browser() else { return };
    browser.open(&report(), 390, false);
    let smallest = browser.value(
        "Math.min(...[...document.querySelectorAll('svg text')].filter((of) => of.checkVisibility())
           .map((of) => parseFloat(getComputedStyle(of).fontSize) * of.getScreenCTM().a))",
    );
    assert!(smallest.as_f64() > Some(9.9), "{smallest} pixels");
    let beyond = browser.value(
        "[...document.querySelectorAll('svg text, svg rect')].filter((of) => of.checkVisibility())
           .filter((of) => of.getBoundingClientRect().right > innerWidth + 1).map((of) => of.textContent)",
    );
    assert_eq!(beyond, json!([]), "text beyond the window");
}

#[test]
fn closed_details_of_the_report_are_open_on_paper() {
    let Some(browser) = browser() else { return };
    browser.open(&report(), 720, false);
    let hidden =
        "[...document.querySelectorAll('details:not([open])')].filter((of) => !of.lastElementChild.checkVisibility()).length";
    assert!(browser.value(hidden).as_u64() > Some(5), "on the screen they are closed");
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    assert_eq!(browser.value(hidden), 0);
    let charts = "[...document.querySelectorAll('svg')].filter((of) => of.checkVisibility()).length";
    let (all, shown) = (browser.value("document.querySelectorAll('.chart').length"), browser.value(charts));
    assert_eq!(all, shown, "each chart is printed once");
    assert_eq!(browser.overflow(), 0);
    browser.picture("report-print");
}

#[test]
fn every_link_of_the_report_leads_to_its_place_and_opens_it() {
    let Some(browser) = browser() else { return };
    browser.open(&report(), 1280, false);
    let lost = browser.value(
        "[...document.querySelectorAll('a')].map((of) => of.getAttribute('href')).filter((to) => !to.startsWith('#') || !document.getElementById(to.slice(1)))",
    );
    assert_eq!(lost, json!([]));
    browser.value("document.querySelector('.tile a').click()");
    browser.value("new Promise((done) => setTimeout(done, 200))");
    assert_eq!(browser.value("document.querySelector('#query-exported').closest('details').open"), true);
    let first = browser.value("document.querySelector('#verdict .verdict').nextElementSibling.textContent.trim()");
    assert_eq!(first, "Open lines of the checklist", "the open lines come right after the verdict");
}

#[test]
fn the_report_says_where_it_comes_from_and_what_decided() {
    let numbers = numbers();
    let origin = &numbers["origin"];
    for what in ["crm", "loaded_at", "verified_at"] {
        assert!(origin[what].is_string(), "{what}: {origin}");
    }
    assert_eq!(origin["settings"], json!([]), "{origin}");
    let sum =
        |of: &str, count: &str| -> i64 { numbers[of].as_array().unwrap().iter().map(|row| row[count].as_i64().unwrap()).sum() };
    assert_eq!(sum("deciders", "rows"), sum("consent", "opted_in") + sum("consent", "opted_out"));
    let explained = numbers["explained"].as_array().unwrap();
    assert_eq!(explained.len(), 3, "{explained:?}");
    for pair in explained {
        let steps = pair["waterfall"]["steps"].as_array().unwrap();
        let sum: f64 = steps.iter().map(|step| step["bits"].as_f64().unwrap()).sum();
        assert!((sum - pair["waterfall"]["total"].as_f64().unwrap()).abs() < 0.05 * steps.len() as f64 + 0.06, "{pair}");
    }
}

#[test]
fn every_query_of_the_report_names_declared_columns_and_runs() {
    let numbers = numbers();
    let queries = numbers["queries"].as_array().unwrap();
    assert!(queries.len() > 15);
    let has_duckdb = std::process::Command::new("duckdb").arg("--version").output().is_ok();
    for query in queries {
        let sql = query["sql"].as_str().unwrap();
        assert_eq!(crate::analysts::undeclared(sql), [""; 0], "{sql}");
        if has_duckdb {
            let run = std::process::Command::new("duckdb").args(["-c", sql]).current_dir(migrated()).output().unwrap();
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(run.status.success() && !said.contains("Error"), "{sql}\n{said}");
        }
    }
}

#[test]
fn the_proof_of_each_flag_agrees_with_the_crm() {
    let numbers = numbers();
    let crm = migrated_crm();
    for (channel, flag) in [("EMAIL", "emailOptIn"), ("SMS", "smsOptIn"), ("PUSH", "pushOptIn"), ("WHATSAPP", "whatsappOptIn")] {
        let held = numbers["consent"].as_array().unwrap().iter().find(|held| held["channel"] == channel).unwrap();
        let count = |condition: &str| {
            let proof = format!(
                r#"exists (select from "MarketingConsent" consent where consent."customerId" = profile."id"
                     and consent."channel"::text = '{channel}' and consent."status"::text = 'OPTED_IN' and consent."scope" <> 'transactional')"#
            );
            let sql =
                format!(r#"select count(*) from "CustomerProfile" profile where "{flag}" {}"#, condition.replace("ROW", &proof));
            crm.value(&sql).parse::<i64>().unwrap()
        };
        assert_eq!(held["flags_on"], count(""), "{channel}");
        assert_eq!(held["flags_with_row"], count("and ROW"), "{channel}");
        assert_eq!(held["flags_alone"], count("and not ROW"), "{channel}");
    }
    let alone: i64 = numbers["consent"].as_array().unwrap().iter().map(|held| held["flags_alone"].as_i64().unwrap()).sum();
    assert!(alone > 0, "some flags of this population have no row");
}

#[test]
fn the_first_question_is_answered_with_yes_or_no() {
    let sentence = numbers()["verdict"]["sentence"].as_str().unwrap().to_owned();
    let open = numbers()["checklist"].as_array().unwrap().iter().filter(|line| line["missing"] != "").count();
    assert_eq!(sentence, format!("Not yet: {open} lines of the checklist are open. What is loaded is verified."));
    let page = std::fs::read_to_string(report()).unwrap();
    let lines = &page[page.find("Open lines of the checklist").unwrap()..page.find("<div class=\"tiles\">").unwrap()];
    for technical in ["crm-backfill", "verify ", "make ", "--", "link_evidence"] {
        assert!(!lines.contains(technical), "{technical}: {lines}");
    }
}

#[test]
fn the_report_names_the_records_that_changed_their_profile() {
    let workdir = crate::golden::exported();
    let steps = ["stage", "resolve", "consolidate", "score", "report"];
    steps.iter().for_each(|step| drop(workdir.ok(step, &[])));
    let decided = "kind,a,b\ncannot-link,mca_za:members:6,mca_za:members:7\n";
    std::fs::write(workdir.path().join("decisions.csv"), decided).unwrap();
    steps.iter().for_each(|step| drop(workdir.ok(step, &[])));
    let page = std::fs::read_to_string(workdir.data().join("report/report.json")).unwrap();
    let numbers: serde_json::Value = serde_json::from_str(&page).unwrap();
    let moved = &numbers["changed_ids"][0];
    assert_eq!((&moved["what"], &moved["count"]), (&"records that changed their profile".into(), &1.into()), "{numbers}");
    assert_eq!(moved["shown"][0]["id"], "mca_za:members:7");
    assert_ne!(moved["shown"][0]["before"], moved["shown"][0]["now"]);
}
