//! The page of an invented run with data for every section.

use super::*;
use crate::model::{Reason, Source};
use crate::report::checklist::{ChecklistFacts, checklist};
use crate::report::numbers::{
    Fill, GoLiveVerdict, LeftSegment, Month, ReportAnswer, ReportChange, ReportCheck, ReportConsent, ReportEntity, ReportFinding,
    ReportIdentity, ReportOverlap, ReportPeople, ReportSegment, ReportStep, ReportTimeline, Rule, Tile, WeightBand,
};
use crate::report::values::ReportValues;

const BANDS: [&str; 11] = ["0–9", "10–19", "20–29", "30–39", "40–49", "50–59", "60–69", "70–79", "80–89", "90–100", "none"];

fn sample() -> Numbers {
    let facts = ChecklistFacts {
        checks: vec![check("record_counts: crm__activities", "PASSED"), check("same_rows: crm__activities", "FAILED")],
        verified_phase: 6,
        ..ChecklistFacts::default()
    };
    Numbers {
        format: 1,
        as_of: "2026-11-22T08:00:00.000Z".to_owned(),
        phase: 6,
        phase_title: "scores and segments".to_owned(),
        verdict: verdict(),
        manual_review: counted(&["preferences CONSENT_UNREADABLE"], 3),
        timeline: timeline(),
        engagement: counted(&BANDS, 80_000),
        churn: counted(&BANDS, 60_000),
        segments: vec![ReportSegment {
            name: "Lapsing members".to_owned(),
            tenant: "1".to_owned(),
            members: 812,
            before: Some(790),
            error: None,
            doubt: None,
        }],
        changes: vec![ReportChange { name: "profiles".to_owned(), before: Some(157_100), now: 157_112 }],
        departures: counted(&["cancelled bookings", "a family mailbox links no records"], 5_100),
        quality: vec![ReportAnswer {
            title: "Activity distribution".to_owned(),
            sql: "SELECT category, COUNT(*) FROM \"Activity\" GROUP BY category;".to_owned(),
            columns: vec!["category".to_owned(), "count".to_owned()],
            rows: vec![vec!["BOOKING".to_owned(), "400000".to_owned()]],
        }],
        steps: ["stage", "resolve", "consolidate", "score", "load", "verify"].iter().zip(0..).map(step).collect(),
        checklist: checklist(&facts),
        checks: facts.checks,
        ..with_values(with_identity(Numbers::default()))
    }
}

/// The first name with the count, the following with a half, a third … of it.
fn counted(names: &[&str], first: i64) -> Vec<Counted> {
    names.iter().zip(1..).map(|(name, divisor)| Counted::new(*name, first / divisor)).collect()
}

fn check(name: &str, state: &str) -> ReportCheck {
    ReportCheck {
        name: name.to_owned(),
        expected: "0".to_owned(),
        observed: "0".to_owned(),
        state: state.to_owned(),
        ..ReportCheck::default()
    }
}

fn step((step, index): (&&str, i64)) -> ReportStep {
    ReportStep { step: (*step).to_owned(), start_ms: index * 2100, taken_ms: 1900, peak_mib: 310, exit: 0 }
}

fn verdict() -> GoLiveVerdict {
    let names = ["exported rows", "profiles", "known to all three services", "activities", "pairs to review", "rejected rows"];
    let tile = |(name, index): (&&str, i64)| Tile {
        query: "profiles".to_owned(),
        name: (*name).to_owned(),
        count: 1_987_654 / (index * 9 + 1),
        delta: (index < 3).then_some(12 - index * 8),
        note: "a note".to_owned(),
    };
    GoLiveVerdict {
        state: "person".to_owned(),
        sentence: "Not yet: 4 lines of the checklist are open. What is loaded is verified.".to_owned(),
        tiles: names.iter().zip(0..).map(tile).collect(),
    }
}

fn with_identity(numbers: Numbers) -> Numbers {
    let people = |source: &str, records: i64, founded: i64| ReportPeople {
        source: source.to_owned(),
        records,
        founded,
        linked: (records - founded) * 3 / 4,
        merged: (records - founded) / 5,
        skipped: records - founded - (records - founded) * 3 / 4 - (records - founded) / 5,
        profiles: founded + (records - founded) * 3 / 4,
    };
    let overlap = |sources: &[&str], count: i64| ReportOverlap {
        sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        count,
    };
    let band = |bits: i32| WeightBand {
        bits,
        links: if bits < 3 { 0 } else { 40_000 / (i64::from(bits) + 1) },
        candidates: if bits < 5 { 300 } else { 2 },
    };
    let rule = |(rule, index): (&&str, i64)| Rule {
        rule: (*rule).to_owned(),
        links: 150_000 / (index * 3 + 1),
        confidence: 95,
        lowest: 81,
    };
    Numbers {
        people: vec![
            people("mca_za", 50_118, 48_730),
            people("mca_uk", 30_000, 23_717),
            people("scl", 10_212, 2_460),
            people("teetime", 100_031, 61_204),
            people("messaging", 80_007, 21_001),
        ],
        overlaps: vec![
            overlap(&["teetime"], 50_100),
            overlap(&["mca_za"], 30_020),
            overlap(&["mca_uk", "teetime", "messaging"], 12_400),
            overlap(&["mca_za", "scl", "teetime", "messaging"], 4_210),
            overlap(&["scl"], 310),
        ],
        six: counted(&["total", "has_scl", "has_teetime", "has_messaging", "scl_and_teetime", "all_three"], 157_112),
        identity: ReportIdentity {
            bits: (-4..30).map(band).collect(),
            refusals: counted(&["FIRST_NAME_CONFLICT", "BELOW_THRESHOLD"], 1200),
            hubs: counted(&["EMAIL MANY_OWNERS", "PHONE MANY_OWNERS"], 31),
            filed: 2_300,
            queued: 2_310,
            hub_records: 870,
        },
        rules: ["FOUNDER", "EMAIL", "EMAIL_PHONE", "PHONE", "NAME_DOB", "GOLF_RSA_ID"].iter().zip(0..).map(rule).collect(),
        clusters: counted(&["1", "2", "3", "4", "5", "6", "10+"], 100_000),
        largest: counted(&["bf11aaaa-0000-8000-8000-000000000001"], 9),
        ..numbers
    }
}

fn with_values(numbers: Numbers) -> Numbers {
    let consent = |channel: &&str| ReportConsent {
        channel: (*channel).to_owned(),
        flags_on: 40_000,
        flags_with_row: 25_000,
        flags_alone: 15_000,
        flags_off: 117_112,
        opted_in: 41_000,
        opted_out: 9_000,
    };
    Numbers {
        entities: vec![ReportEntity {
            source: "scl".to_owned(),
            entity: "members".to_owned(),
            exported: 10,
            loaded: 6,
            merged: 2,
            skipped: 1,
            rejected: 1,
            estimate: Some(10_000),
            reasons: counted(&["NO_KEY"], 1),
        }],
        fill: vec![Fill {
            source: "scl".to_owned(),
            column: "email".to_owned(),
            rows: 10_212,
            filled: 9_100,
            cleaned: 44,
            rejected: 3,
        }],
        values: ReportValues::count(&[Source::Scl], [(Source::Scl, Reason::EmailLowered, 4_321)]),
        rejects: counted(&["PHONE_INVALID", "EMAIL_INVALID", "DATE_IMPOSSIBLE"], 3_321),
        consent: ["EMAIL", "SMS", "PUSH", "WHATSAPP"].iter().map(consent).collect(),
        suppressions: counted(&["EMAIL WITHDRAWN", "EMAIL BOUNCED"], 9_000),
        ..numbers
    }
}

fn timeline() -> ReportTimeline {
    let month = |index: i64| Month {
        month: format!("{}-{:02}", 2024 + (index + 9) / 12, (index + 9) % 12 + 1),
        counts: if index > 25 {
            vec![400 - index * 10, 0, 12]
        } else {
            vec![9000 + index * 210, 14_000 + (index * 977) % 4000, 900 - index * 20]
        },
    };
    ReportTimeline {
        kinds: vec!["BOOKING".to_owned(), "COMMUNICATION".to_owned(), "MEMBERSHIP".to_owned()],
        months: (0..28).map(month).collect(),
        before: 12_000,
        after_as_of: 812,
        types: counted(&["MESSAGE_DELIVERED", "TEETIME_BOOKED"], 410_000),
    }
}

#[test]
fn the_page_loads_nothing_and_needs_no_script() {
    let page = render(&sample()).unwrap();
    for forbidden in ["http://", "https://", "<script", "<link", "<img", "url(", "@import", "undefined", "NaN", "inf"] {
        let found = page.find(forbidden).map(|at| &page[at.saturating_sub(40)..at + 20]);
        assert!(found.is_none() || forbidden == "inf" && !page.contains("\"inf\""), "{forbidden}: {found:?}");
    }
    assert!(page.contains("EMAIL_LOWERED") && page.contains("4,321"), "the table of values");
    for section in ["verdict", "rows", "known", "sure", "rules", "clusters", "quality", "rejects", "consent", "timeline"] {
        assert!(page.contains(&format!("<section id=\"{section}\">")), "{section}");
    }
}

#[test]
fn an_empty_run_renders_too_and_the_same_numbers_give_the_same_bytes() {
    assert!(render(&Numbers::default()).unwrap().contains("Where every row went"));
    assert_eq!(render(&sample()).unwrap(), render(&sample()).unwrap());
}

#[test]
fn a_name_that_looks_like_markup_stays_text() {
    let mut numbers = sample();
    numbers.segments[0].name = "<script>alert(1)</script>".to_owned();
    assert!(!render(&numbers).unwrap().contains("<script>"));
}

#[test]
fn each_flag_says_whether_a_row_or_a_contact_flag_alone_proves_it() {
    let page = render(&sample()).unwrap();
    let said =
        "SMS: <b>40,000</b> profiles may be contacted: 25,000 with a consent row, 15,000 only because the flag of a contact";
    assert!(page.contains(said) && page.contains("consent.strict_consent = true"), "{page}");
}

#[test]
fn a_segment_that_has_no_member_or_is_not_refreshed_says_why() {
    let mut numbers = sample();
    numbers.segments[0].members = 0;
    let why = "of the type STATIC, so its members are a list and not a rule".to_owned();
    numbers.segments_left = vec![LeftSegment { name: "Captain's table".to_owned(), tenant: "1".to_owned(), why }];
    let page = render(&numbers).unwrap();
    assert!(page.contains("the rule was read, and no profile meets it"));
    assert!(page.contains("table (tenant 1): of the type STATIC, so its members are a list and not a rule"));
}

#[test]
fn the_page_names_the_run_that_it_compares_with() {
    let numbers = Numbers { run_before: Some("run 20261130-203702-17, phase 5".to_owned()), ..sample() };
    assert_eq!(render(&numbers).unwrap().matches("The run before: run 20261130-203702-17, phase 5.").count(), 2);
    assert!(!render(&sample()).unwrap().contains("The run before:"));
}

#[test]
fn an_outcome_has_one_word_and_a_definition() {
    let page = render(&sample()).unwrap();
    for word in ["seed record", "linked", "loaded", "merged", "skipped", "rejected", "defaulted", "cleaned"] {
        assert!(page.contains(&format!("<b>{word}</b>")), "{word} is not defined");
    }
    assert!(!page.contains("refus"), "what is rejected is not called refused as well");
}

#[test]
fn an_unknown_word_is_quoted_even_if_it_is_blank() {
    let mut numbers = sample();
    let finding = |effect: &str, value: &str| ReportFinding {
        effect: effect.to_owned(),
        value: Some(value.to_owned()),
        ..ReportFinding::default()
    };
    numbers.findings = vec![finding("DEFAULTED", " "), finding("NOTED", "of 12 distinct numbers")];
    let page = render(&numbers).unwrap();
    assert!(page.contains("<td>&quot; &quot;</td>") && page.contains("<td>of 12 distinct numbers</td>"), "{page}");
}
