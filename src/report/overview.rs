//! The run on one screen: a line per phase, links, values, open decisions, and where to find more.

use owo_colors::OwoColorize as _;
use serde_json::Value;

use crate::model::{Phase, thousands};
use crate::report::numbers::Counted;

/// One phase as it was last loaded and verified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PhaseRow {
    /// 1 to 6.
    pub phase: u8,
    /// Rows exported for it; 0 when saved exports were used.
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
}

/// The contents of the screen.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// The phases, in order.
    pub phases: Vec<PhaseRow>,
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

/// The phases from the run records, oldest first; a phase ends with its verification.
pub fn phases(records: &[Value]) -> Vec<PhaseRow> {
    const STEPS: [&str; 8] = ["export-", "stage", "resolve", "consolidate", "score", "load", "verify", "report"];
    let mut rows: Vec<PhaseRow> = Vec::new();
    let mut current = PhaseRow::default();
    let mut is_verified = false;
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    for record in records {
        let (step, result) = (record["step"].as_str().unwrap_or_default(), &record["result"]);
        if !STEPS.iter().any(|name| step.starts_with(name)) || result["dry_run"] == true {
            continue;
        }
        if is_verified && step != "report" {
            rows.retain(|row| row.phase != current.phase);
            rows.push(std::mem::take(&mut current));
            is_verified = false;
        }
        current.seconds += record["seconds"].as_f64().unwrap_or(0.0);
        if step.starts_with("export-") && step != "export-crm" {
            current.exported += result["rows"].as_object().map_or(0, |rows| rows.values().map(number).sum());
        } else if step == "resolve" {
            current.records = number(&result["counts"]["records"]);
            current.profiles = number(&result["counts"]["profiles"]);
        } else if step == "load" {
            let tables = result["tables"].as_object();
            let of = |what: &str| tables.map_or(0, |tables| tables.values().map(|table| number(&table[what])).sum());
            (current.updated, current.deleted) = (of("updated"), of("deleted"));
            current.inserted = tables
                .into_iter()
                .flatten()
                .map(|(table, counts)| (table.clone(), number(&counts["inserted"])))
                .filter(|(_, inserted)| *inserted > 0)
                .collect();
        } else if step == "verify" && result["phase"].as_u64().is_some_and(|phase| phase > 0) {
            let counts = &result["counts"];
            current.phase = u8::try_from(number(&result["phase"])).unwrap_or(0);
            (current.passed, current.failed) = (number(&counts["PASSED"]), number(&counts["FAILED"]));
            current.checks = ["PASSED", "FAILED", "NEEDS_A_PERSON"].iter().map(|state| number(&counts[state])).sum();
            is_verified = true;
        }
    }
    if is_verified {
        rows.retain(|row| row.phase != current.phase);
        rows.push(current);
    }
    rows.sort_by_key(|row| row.phase);
    rows
}

/// The screen as text, at most `width` columns wide where possible.
pub fn text(screen: &Screen, width: usize) -> String {
    let mut out = String::new();
    out.push_str(&format!(
        "{:<32} {:>9} {:>19}   {:<40} {:>9} {:>7}\n",
        "", "exported", "records → profiles", "loaded into the CRM", "checks", "s"
    ));
    for row in &screen.phases {
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
    out.push_str(&format!("\n look                {}\n", screen.report));
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
            record(
                "load",
                json!({ "phase": number, "tables": { "CustomerProfile": { "inserted": inserted, "updated": 1, "deleted": 0 } } }),
            ),
            record(
                "verify",
                json!({ "phase": number, "counts": { "PASSED": 8, "FAILED": 0, "VACUOUS": 1, "NEEDS_A_PERSON": 1 } }),
            ),
            record("report", json!({})),
        ]
    }

    #[test]
    fn a_phase_runs_from_its_exports_to_its_report() {
        let rows = phases(&[phase(1, 5), phase(2, 3)].concat());
        assert_eq!(rows.iter().map(|row| (row.phase, row.seconds)).collect::<Vec<_>>(), [(1, 5.0), (2, 5.0)]);
        assert_eq!((rows[0].exported, rows[0].profiles, rows[0].passed, rows[0].checks), (12, 12, 8, 9));
    }

    #[test]
    fn a_phase_that_ran_again_is_shown_once_and_a_dry_run_is_not() {
        let dry = record("load", json!({ "phase": 6, "dry_run": true, "tables": {} }));
        let rows = phases(&[phase(1, 5), phase(1, 0), vec![dry]].concat());
        assert_eq!(rows.len(), 1);
        assert_eq!(loaded(&rows[0]), "1 updated");
    }

    #[test]
    fn the_screen_names_what_decides_each_open_question() {
        let screen = Screen {
            phases: phases(&phase(2, 5)),
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
