//! Results of the checks: states, the dataset `check__results`, and the text for the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use crate::fault::Fault;
use crate::model::{counted, thousands};
use crate::pg::verify::checks::{Check, CheckFinding, Quality};
use crate::report::numbers::ReportAnswer;
use crate::store::{Draft, Folder};
use crate::tables::check::results;

/// Comparisons that are printed for one check; all are in `check__results`.
const SHOWN: usize = 4;

/// The state of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    /// Observed and expected are equal.
    Passed,
    /// There was nothing to compare.
    Vacuous,
    /// They differ, and need manual review.
    NeedsAPerson,
    /// They differ.
    Failed,
}

impl CheckState {
    /// The stored spelling.
    pub fn code(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Vacuous => "VACUOUS",
            Self::NeedsAPerson => "NEEDS_A_PERSON",
            Self::Failed => "FAILED",
        }
    }

    /// The state in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Vacuous => "skipped: nothing to check",
            Self::NeedsAPerson => "manual review needed",
            Self::Failed => "failed",
        }
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Vacuous => "·",
            Self::NeedsAPerson => "!",
            Self::Failed => "×",
        }
    }

    fn of(finding: &CheckFinding, is_for_a_person: bool) -> Self {
        match (finding.expected == finding.observed, finding.examined) {
            (true, 0) => Self::Vacuous,
            (true, _) => Self::Passed,
            (false, _) if is_for_a_person => Self::NeedsAPerson,
            (false, _) => Self::Failed,
        }
    }
}

/// One comparison of one check.
struct ComparedItem {
    check: &'static str,
    proves: &'static str,
    finding: CheckFinding,
    state: CheckState,
}

impl ComparedItem {
    fn name(&self) -> String {
        format!("{}: {}", self.check, self.finding.item)
    }
}

/// The results of a verification.
pub struct Results {
    phase: u8,
    compared: Vec<ComparedItem>,
    taken: Vec<Duration>,
}

impl Results {
    /// Empty.
    pub fn new(phase: u8) -> Self {
        Self { phase, compared: Vec::new(), taken: Vec::new() }
    }

    /// Adds the findings and the duration of a check; a check without findings is skipped.
    pub fn enter(&mut self, check: &Check, findings: Vec<CheckFinding>, taken: Duration) {
        self.taken.push(taken);
        let nothing = CheckFinding {
            item: "nothing to compare".to_owned(),
            examined: 0,
            expected: "0".to_owned(),
            observed: "0".to_owned(),
            examples: Vec::new(),
        };
        let findings = if findings.is_empty() { vec![nothing] } else { findings };
        self.compared.extend(findings.into_iter().map(|finding| ComparedItem {
            check: check.name,
            proves: check.proves,
            state: CheckState::of(&finding, check.is_for_a_person),
            finding,
        }));
    }

    /// Adds a finding whose state is known already.
    pub fn enter_look(&mut self, check: &'static str, proves: &'static str, finding: CheckFinding, state: CheckState) {
        self.compared.push(ComparedItem { check, proves, finding, state });
    }

    /// The worst state of each check, in the order asked, with its comparisons that had something to compare; a check is `VACUOUS`
    /// when none had.
    fn checks(&self) -> Vec<(&'static str, CheckState, usize)> {
        let mut checks: Vec<(&'static str, CheckState, usize)> = Vec::new();
        for compared in &self.compared {
            let made = usize::from(compared.state != CheckState::Vacuous);
            match checks.last_mut() {
                Some((name, state, count)) if *name == compared.check => {
                    *count += made;
                    *state = match (*state, compared.state) {
                        (CheckState::Vacuous, CheckState::Passed) | (CheckState::Passed, CheckState::Vacuous) => {
                            CheckState::Passed
                        }
                        (a, b) => a.max(b),
                    };
                }
                _ => checks.push((compared.check, compared.state, made)),
            }
        }
        checks
    }

    /// Number of checks by state.
    pub fn counts(&self) -> BTreeMap<&'static str, i64> {
        let mut counts = BTreeMap::from([("PASSED", 0), ("FAILED", 0), ("VACUOUS", 0), ("NEEDS_A_PERSON", 0)]);
        for (_, state, _) in self.checks() {
            *counts.entry(state.code()).or_default() += 1;
        }
        counts
    }

    /// The names of the comparisons that failed.
    pub fn differing(&self) -> Vec<String> {
        self.compared.iter().filter(|compared| compared.state == CheckState::Failed).map(ComparedItem::name).collect()
    }

    /// The error of the step; `None` if it passes.
    pub fn fault(&self, is_strict: bool) -> Option<Fault> {
        let names = self.differing();
        if !names.is_empty() {
            let failed = self.counts()["FAILED"];
            return Some(super::mismatch(
                format!("{} found differences in {}", counted(failed, "check"), counted(names.len() as u64, "comparison")),
                &names,
            ));
        }
        let vacuous: Vec<String> =
            self.checks().into_iter().filter(|check| check.1 == CheckState::Vacuous).map(|check| check.0.to_owned()).collect();
        (is_strict && !vacuous.is_empty()).then(|| {
            super::mismatch(
                format!("{} skipped: nothing to check, and --strict forbids that", counted(vacuous.len() as u64, "check")),
                &vacuous,
            )
        })
    }

    /// Writes `check__results`, keeping the preflight's rows of the folder it replaces.
    pub fn write(&self, draft: &Draft, former: Option<&Folder>) -> Result<()> {
        let mut writer = draft.writer::<results::Table>(None)?;
        let kept = match former {
            Some(folder) if folder.has::<results::Table>(None) => folder.read_all::<results::Table>(None)?,
            _ => Vec::new(),
        };
        let is_kept = |phase: i32| (phase == 0) != (self.phase == 0);
        let mut rows: Vec<results::Row<'_>> =
            kept.iter().flat_map(results::Columns::rows).filter(|row| is_kept(row.phase)).collect();
        let names: Vec<(String, String)> = self
            .compared
            .iter()
            .map(|compared| {
                let finding = &compared.finding;
                let observed = match finding.examples.as_slice() {
                    examples if compared.state != CheckState::Passed && !examples.is_empty() => {
                        format!("{} ({})", finding.observed, examples.join(", "))
                    }
                    _ => finding.observed.clone(),
                };
                (compared.name(), observed)
            })
            .collect();
        rows.extend(self.compared.iter().zip(&names).map(|(compared, (name, observed))| results::Row {
            phase: i32::from(self.phase),
            name,
            proves: compared.proves,
            expected: &compared.finding.expected,
            observed,
            state: compared.state.code(),
        }));
        rows.sort_by(|a, b| (a.phase, a.name).cmp(&(b.phase, b.name)));
        for row in rows {
            writer.push(row)?;
        }
        draft.close(None, writer)?;
        Ok(())
    }

    /// One line per check, the differences, and the strategy's queries.
    pub fn text(&self, answers: &[ReportAnswer]) -> String {
        let mut text = String::new();
        for ((name, state, compared), taken) in self.checks().into_iter().zip(&self.taken) {
            let seconds = taken.as_secs_f64();
            let _ = writeln!(text, " {} {name:<26} {compared:>4} compared   {seconds:>5.1} s   {}", state.sign(), state.words());
            let doubts: Vec<&ComparedItem> =
                self.compared.iter().filter(|held| held.check == name && held.state > CheckState::Vacuous).collect();
            for doubt in doubts.iter().take(SHOWN) {
                let finding = &doubt.finding;
                let _ = writeln!(text, "     {}: {}, expected {}", finding.item, finding.observed, finding.expected);
                if !finding.examples.is_empty() {
                    let _ = writeln!(text, "       {}", finding.examples.join(" "));
                }
            }
            if doubts.len() > SHOWN {
                let _ = writeln!(
                    text,
                    "     and {} more: crm-backfill inspect check__results --where state={}",
                    doubts.len() - SHOWN,
                    state.code()
                );
            }
        }
        for answer in answers {
            let _ = write!(text, "\n {}\n{}", answer.title, table(&answer.columns, &answer.rows));
        }
        let counts = self.counts();
        let _ = writeln!(
            text,
            "\n {}: {} passed · {} failed · {} skipped: nothing to check · {} for manual review",
            counted(self.checks().len() as u64, "check"),
            counts["PASSED"],
            counts["FAILED"],
            counts["VACUOUS"],
            counts["NEEDS_A_PERSON"]
        );
        text
    }
}

/// A table of plain columns.
pub(super) fn table(columns: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([columns[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(columns).chain(rows.iter().map(Vec::as_slice)) {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "   {}", cells.join("   ").trim_end());
    }
    text
}

/// The unchanged result of a query of the strategy, for the terminal of an operator who may see values.
pub fn revealed(quality: &Quality, columns: Vec<String>, rows: Vec<Vec<String>>) -> ReportAnswer {
    ReportAnswer { title: quality.title.to_owned(), sql: quality.sql.trim().to_owned(), columns, rows }
}

/// The result of a query of the strategy, for saving. The emails of the duplicate check are replaced by counts, because results
/// are saved, printed and mailed.
pub fn answer(quality: &Quality, columns: Vec<String>, rows: Vec<Vec<String>>) -> ReportAnswer {
    let (title, sql) = (quality.title.to_owned(), quality.sql.trim().to_owned());
    if quality.name != "duplicate_emails" {
        return ReportAnswer { title, sql, columns, rows };
    }
    let mut groups = BTreeMap::<i64, i64>::new();
    for row in &rows {
        let shared = row.last().and_then(|count| count.parse().ok()).unwrap_or(0);
        *groups.entry(shared).or_default() += 1;
    }
    let rows = groups.into_iter().map(|(shared, groups)| vec![thousands(shared), thousands(groups)]).collect();
    ReportAnswer { title, sql, columns: vec!["profiles that share".to_owned(), "addresses".to_owned()], rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::verify::checks::{CHECKS, QUALITY};

    fn finding(examined: i64, observed: &str) -> CheckFinding {
        CheckFinding {
            item: "rows".to_owned(),
            examined,
            expected: "0".to_owned(),
            observed: observed.to_owned(),
            examples: Vec::new(),
        }
    }

    #[test]
    fn a_check_without_rows_is_skipped_not_passed() {
        let mut results = Results::new(6);
        results.enter(&CHECKS[0], vec![finding(0, "0")], Duration::ZERO);
        results.enter(&CHECKS[1], Vec::new(), Duration::ZERO);
        assert_eq!(results.counts()["VACUOUS"], 2);
        let text = results.text(&[]);
        assert_eq!(text.matches(" 0 compared ").count(), 2, "{text}");
        assert_eq!(text.matches("s   skipped: nothing to check").count(), 2, "{text}");
        assert!(results.fault(false).is_none());
        assert_eq!(results.fault(true).unwrap().exit.code(), 16);
    }

    #[test]
    fn one_difference_fails_the_check_and_names_it() {
        let mut results = Results::new(6);
        results.enter(&CHECKS[0], vec![finding(5, "0"), finding(5, "2")], Duration::ZERO);
        assert_eq!(results.counts()["FAILED"], 1);
        let fault = results.fault(false).unwrap();
        assert!(fault.help.iter().any(|line| line.contains("record_counts: rows")), "{fault:?}");
    }

    #[test]
    fn the_duplicate_check_is_saved_without_emails() {
        let rows = vec![vec!["a@club.test".to_owned(), "3".to_owned()], vec!["b@club.test".to_owned(), "3".to_owned()]];
        let answer = answer(&QUALITY[2], vec!["email".to_owned(), "count".to_owned()], rows.clone());
        assert_eq!(answer.rows, [["3".to_owned(), "2".to_owned()]]);
        let own = revealed(&QUALITY[2], vec!["email".to_owned(), "count".to_owned()], rows);
        assert_eq!((own.columns[0].as_str(), own.rows[1][0].as_str()), ("email", "b@club.test"), "only with --show");
    }
}
