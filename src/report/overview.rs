//! The run on one screen: a line per phase, links, values, open decisions, and where to find more.

use std::collections::BTreeMap;

use owo_colors::OwoColorize as _;
use serde_json::Value;

use crate::model::{Code as _, Phase, Source, thousands};
use crate::report::numbers::Counted;

/// One phase as it was last loaded and verified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PhaseRow {
    /// 1 to 6.
    pub phase: u8,
    /// Rows of the sources that this phase is the first to use.
    pub exported: u64,
    /// Records of people in scope.
    pub records: u64,
    /// Profiles.
    pub profiles: u64,
    /// Rows inserted by table, in the order of the load.
    pub inserted: Vec<(String, u64)>,
    /// Rows updated.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Checks that passed.
    pub passed: u64,
    /// Checks that were run.
    pub checks: u64,
    /// Checks that failed.
    pub failed: u64,
    /// Duration of all steps in seconds.
    pub seconds: f64,
    /// Whether a report was made of it.
    pub is_reported: bool,
}

/// The contents of the screen.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// What the run records tell.
    pub history: History,
    /// Exported rows of all entities.
    pub exported: u64,
    /// Whether each of them has exactly one outcome.
    pub is_balanced: bool,
    /// Records, seed records, linked, skipped, records of the largest profile.
    pub people: [u64; 5],
    /// Links by rule, without seed records.
    pub rules: Vec<Counted>,
    /// Pairs in the review queue.
    pub review: u64,
    /// Values cleaned, defaulted, rejected.
    pub values: [u64; 3],
    /// Open decisions, each with the setting, file or command that decides it.
    pub decisions: Vec<(String, String)>,
    /// Tenants of a pilot; empty without a pilot.
    pub pilot: Vec<String>,
    /// Path of the report.
    pub report: String,
}

/// What the run records tell of the migration.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The phases as they were last loaded.
    pub phases: Vec<PhaseRow>,
    /// When and by which run the backfill was rolled back, and what stayed, if nothing was loaded since.
    pub rolled_back: Option<String>,
    /// Whether something was loaded after the last report.
    pub is_report_old: bool,
}

/// Reads the run records, oldest first. A phase is a load that committed, the steps before it, and the verifications after it.
pub fn history(records: &[Value]) -> History {
    const STEPS: [&str; 8] = ["export-", "stage", "resolve", "consolidate", "score", "load", "verify", "report"];
    let mut told = History::default();
    let mut exported: BTreeMap<Source, u64> = BTreeMap::new();
    let mut current = PhaseRow::default();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let phase = |value: &Value| u8::try_from(number(&value["phase"])).unwrap_or(0);
    for record in records {
        let (step, result) = (record["step"].as_str().unwrap_or_default(), &record["result"]);
        let is_done = number(&record["exit"]) == 0 && result["dry_run"] != true;
        if step == "rollback" && is_done {
            let words = |key: &str| record[key].as_str().unwrap_or_default();
            let kept = result["kept"].as_array().map_or(0, Vec::len);
            let left = if kept == 0 { "none".to_owned() } else { thousands(kept as u64) };
            told.rolled_back =
                Some(format!("{} by run {}; rows of the backfill in the CRM: {left}", words("started_at"), words("run")));
            told.phases.clear();
            current = PhaseRow::default();
        }
        if !STEPS.iter().any(|name| step.starts_with(name)) || result["dry_run"] == true {
            continue;
        }
        let seconds = record["seconds"].as_f64().unwrap_or(0.0);
        let source = Source::ALL
            .iter()
            .find(|source| step.strip_prefix("export-").is_some_and(|name| name.replace('-', "_") == source.code()));
        if let Some(source) = source
            && let Some(rows) = result["rows"].as_object()
        {
            exported.insert(*source, rows.values().map(number).sum());
        }
        // A verification or report after the load belongs to its phase, also much later.
        let loaded = told.phases.iter_mut().find(|row| row.phase == phase(result)).filter(|_| step == "verify");
        match (step, loaded) {
            ("verify", Some(row)) => {
                let counts = &result["counts"];
                row.seconds += if row.checks == 0 { seconds } else { 0.0 };
                (row.passed, row.failed) = (number(&counts["PASSED"]), number(&counts["FAILED"]));
                row.checks = ["PASSED", "FAILED", "NEEDS_A_PERSON"].iter().map(|state| number(&counts[state])).sum();
            }
            ("verify", None) => {}
            ("report", _) => {
                told.is_report_old &= !is_done;
                if let Some(row) = told.phases.last_mut().filter(|row| !row.is_reported) {
                    (row.seconds, row.is_reported) = (row.seconds + seconds, true);
                }
            }
            ("load", _) if is_done => {
                current.seconds += seconds;
                current.phase = phase(result);
                let tables = result["tables"].as_object();
                let of = |what: &str| tables.map_or(0, |tables| tables.values().map(|table| number(&table[what])).sum());
                (current.updated, current.deleted) = (of("updated"), of("deleted"));
                let inserted = tables.into_iter().flatten().map(|(table, counts)| (table.clone(), number(&counts["inserted"])));
                current.inserted = inserted.filter(|(_, inserted)| *inserted > 0).collect();
                if let Some(before) = take(&mut told.phases, |row| row.phase == current.phase)
                    && current.records == 0
                {
                    (current.records, current.profiles) = (before.records, before.profiles);
                }
                told.phases.push(std::mem::take(&mut current));
                (told.rolled_back, told.is_report_old) = (None, true);
            }
            _ => {
                current.seconds += seconds;
                if step == "resolve" && is_done {
                    current.records = number(&result["counts"]["records"]);
                    current.profiles = number(&result["counts"]["profiles"]);
                }
            }
        }
    }
    told.phases.sort_by_key(|row| row.phase);
    // The rows of a source stand at the first phase that has it.
    for (source, rows) in exported {
        if let Some(row) = told.phases.iter_mut().find(|row| row.phase >= source.phase().number()) {
            row.exported += rows;
        }
    }
    told
}

/// Takes the first element that meets a condition.
fn take<T>(list: &mut Vec<T>, is_wanted: impl Fn(&T) -> bool) -> Option<T> {
    let place = list.iter().position(is_wanted)?;
    Some(list.remove(place))
}

/// The screen as text, at most `width` columns wide where possible.
pub fn text(screen: &Screen, width: usize) -> String {
    let mut out = String::new();
    if let Some(when) = &screen.history.rolled_back {
        out.push_str(&format!(" {}         {when}\n\n", "rolled back".yellow()));
    }
    out.push_str(&format!(
        "{:<32} {:>9} {:>19}   {:<40} {:>9} {:>7}\n",
        "", "exported", "records → profiles", "loaded into the CRM", "checks", "s"
    ));
    for row in &screen.history.phases {
        let title = Phase::new(row.phase).map_or("", Phase::title);
        let exported = if row.exported > 0 { thousands(row.exported) } else { "saved".to_owned() };
        let people = format!("{} → {}", thousands(row.records), thousands(row.profiles));
        let checks = format!("{} of {}", row.passed, row.checks);
        let line = format!(
            " {} {:<29} {exported:>9} {people:>19}   {:<40} {checks:>9} {:>7.1}",
            row.phase,
            title,
            fit(&loaded(row), 40),
            row.seconds
        );
        let line = line.trim_end().to_owned();
        out.push_str(&if row.failed > 0 { format!("{}\n", line.red()) } else { format!("{line}\n") });
    }
    let balance = if screen.is_balanced {
        "each with one outcome".green().to_string()
    } else {
        "× outcomes do not balance".red().to_string()
    };
    out.push_str(&format!(" {:<31} {:>9}   rows, {balance}\n\n", "all", thousands(screen.exported)));

    let [records, seeds, linked, skipped, largest] = screen.people.map(thousands);
    out.push_str(&format!(
        " who is one person   {records} records = {seeds} seed records + {linked} linked + {skipped} skipped; the largest profile has {largest}\n"
    ));
    let rules: Vec<String> = screen.rules.iter().take(6).map(|rule| format!("{} {}", rule.name, thousands(rule.count))).collect();
    out.push_str(&format!("   by                {}\n", rules.join(" · ")));
    out.push_str(&format!("   review queue      {} pairs\n\n", thousands(screen.review)));
    let [cleaned, defaulted, rejected] = screen.values.map(thousands);
    out.push_str(&format!(" values              {cleaned} cleaned · {defaulted} defaulted · {rejected} rejected\n"));
    for (index, (what, decides)) in screen.decisions.iter().enumerate() {
        let label = if index == 0 { "for you" } else { "" };
        let room = width.saturating_sub(24 + decides.chars().count()).max(30);
        out.push_str(&format!(" {label:<19} {} {:<room$}  {decides}\n", "!".yellow(), fit(what, room)));
    }
    if !screen.pilot.is_empty() {
        out.push_str(&format!(
            " pilot               tenant {} alone; records of others are skipped\n",
            screen.pilot.join(" and ")
        ));
    }
    let age = if screen.history.is_report_old { "  (older than the last load: make report)" } else { "" };
    out.push_str(&format!("\n look                {}{age}\n", screen.report));
    out
}

/// Summary of a load.
fn loaded(row: &PhaseRow) -> String {
    const ORDER: [&str; 6] =
        ["CustomerProfile", "MarketingConsent", "Activity", "CustomerSegmentMembership", "IdentityAlias", "CampaignInteraction"];
    let name = |table: &str| match table {
        "CustomerProfile" => "profiles",
        "IdentityAlias" => "aliases",
        "MarketingConsent" => "consents",
        "Activity" => "activities",
        "CampaignInteraction" => "campaign answers",
        "CustomerSegmentMembership" => "segment members",
        "DuplicateCandidate" => "pairs to review",
        _ => "rows",
    };
    let rank = |table: &str| ORDER.iter().position(|name| *name == table).unwrap_or(ORDER.len());
    let mut inserted: Vec<&(String, u64)> = row.inserted.iter().collect();
    inserted.sort_by_key(|(table, _)| rank(table));
    let mut parts: Vec<String> =
        inserted.into_iter().map(|(table, rows)| format!("+{} {}", thousands(*rows), name(table))).collect();
    if row.updated > 0 {
        parts.push(format!("{} updated", thousands(row.updated)));
    }
    if row.deleted > 0 {
        parts.push(format!("{} deleted", thousands(row.deleted)));
    }
    if parts.is_empty() { "nothing to change".to_owned() } else { parts.join(", ") }
}

/// A text cut to a width, with a mark where it was cut.
fn fit(words: &str, width: usize) -> String {
    if words.chars().count() <= width {
        return words.to_owned();
    }
    let kept: String = words.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end_matches([' ', ',']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(step: &str, result: Value) -> Value {
        json!({ "step": step, "seconds": 1.0, "exit": 0, "result": result })
    }

    fn phase(number: u8, inserted: u64) -> Vec<Value> {
        vec![
            record("export-scl", json!({ "rows": { "members": 10, "clubs": 2 } })),
            record("resolve", json!({ "counts": { "records": 20, "profiles": 12 } })),
            load(number, inserted),
            verified(number, 8),
            record("report", json!({})),
        ]
    }

    fn load(number: u8, inserted: u64) -> Value {
        record(
            "load",
            json!({ "phase": number, "tables": { "CustomerProfile": { "inserted": inserted, "updated": 1, "deleted": 0 } } }),
        )
    }

    fn verified(number: u8, passed: u64) -> Value {
        let counts = json!({ "PASSED": passed, "FAILED": 0, "VACUOUS": 1, "NEEDS_A_PERSON": 1 });
        record("verify", json!({ "phase": number, "counts": counts }))
    }

    #[test]
    fn a_phase_runs_from_its_exports_to_its_report() {
        let rows = history(&[phase(1, 5), phase(2, 3)].concat()).phases;
        assert_eq!(rows.iter().map(|row| (row.phase, row.seconds)).collect::<Vec<_>>(), [(1, 5.0), (2, 5.0)]);
        assert_eq!((rows[0].profiles, rows[0].passed, rows[0].checks), (12, 8, 9));
    }

    #[test]
    fn a_phase_that_ran_again_is_shown_once_and_a_dry_run_is_not() {
        let dry = record("load", json!({ "phase": 6, "dry_run": true, "tables": {} }));
        let rows = history(&[phase(1, 5), phase(1, 0), vec![dry]].concat()).phases;
        assert_eq!(rows.len(), 1);
        assert_eq!(loaded(&rows[0]), "1 updated");
    }

    #[test]
    fn a_later_verification_changes_the_checks_of_its_phase_and_nothing_else() {
        let before = history(&phase(6, 5)).phases;
        let after = history(&[phase(6, 5), vec![verified(0, 3), verified(6, 7), record("report", json!({}))]].concat()).phases;
        assert_eq!(after, [PhaseRow { passed: 7, checks: 8, ..before[0].clone() }]);
    }

    #[test]
    fn a_load_alone_keeps_the_people_of_its_phase() {
        let told = history(&[phase(6, 5), vec![load(6, 0), verified(6, 8)]].concat());
        assert_eq!((told.phases[0].records, told.phases[0].profiles), (20, 12));
        assert!(told.is_report_old && !history(&phase(6, 5)).is_report_old);
    }

    #[test]
    fn exported_rows_stand_once_at_the_phase_that_brings_their_source() {
        let teetime = |rows: u64| record("export-teetime", json!({ "rows": { "players": rows } }));
        let told = history(&[vec![teetime(100)], phase(1, 5), phase(3, 5), vec![teetime(70)], phase(6, 0)].concat());
        assert_eq!(told.phases.iter().map(|row| (row.phase, row.exported)).collect::<Vec<_>>(), [(1, 0), (3, 82), (6, 0)]);
        assert_eq!(history(&[vec![teetime(100)], phase(6, 5)].concat()).phases[0].exported, 112);
    }

    #[test]
    fn a_rollback_is_told_until_the_next_load() {
        let rollback = |dry: bool| record("rollback", json!({ "dry_run": dry, "kept": [] }));
        let shown = |records: &[Value]| {
            let screen = Screen { history: history(records), ..Screen::default() };
            anstream::adapter::strip_str(&text(&screen, 120)).to_string()
        };
        let undone = shown(&[phase(6, 5), vec![rollback(false)]].concat());
        assert!(undone.contains("rolled back") && !undone.contains("+5 profiles"), "{undone}");
        assert!(!shown(&[phase(6, 5), vec![rollback(true)]].concat()).contains("rolled back"));
        assert!(!shown(&[phase(6, 5), vec![rollback(false)], phase(6, 5)].concat()).contains("rolled back"));
    }

    #[test]
    fn a_failed_load_is_not_shown() {
        let mut failed = load(2, 5);
        failed["exit"] = json!(14);
        assert!(history(&[failed, verified(2, 8)]).phases.is_empty());
    }

    #[test]
    fn the_screen_names_what_decides_each_open_question() {
        let screen = Screen {
            history: history(&phase(2, 5)),
            exported: 12,
            is_balanced: true,
            decisions: vec![(
                "6 bookings have the unknown status WX".to_owned(),
                "data/reference/booking_statuses.csv".to_owned(),
            )],
            ..Screen::default()
        };
        let shown = anstream::adapter::strip_str(&text(&screen, 120)).to_string();
        assert!(shown.contains("+5 profiles, 1 updated") && shown.contains("8 of 9"), "{shown}");
        assert!(shown.contains("! 6 bookings have the unknown status WX") && shown.contains("booking_statuses.csv"), "{shown}");
    }
}
