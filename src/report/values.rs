//! Values that staging changed, by reason and source: one table for the page, for `report.json` and for the terminal.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Code, Effect, Reason, Source};
use crate::report::charts::count as number;

/// The effects that are shown, the worst first. `NOTED` is left out, because it changes no value.
const SHOWN: [Effect; 3] = [Effect::Rejected, Effect::Defaulted, Effect::Cleaned];

/// Cleaned, defaulted and rejected values, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReportValues {
    /// The sources, in the order of the counts.
    pub sources: Vec<String>,
    /// The reasons by effect, most frequent first.
    pub effects: Vec<EffectValues>,
}

/// The values of one effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EffectValues {
    /// `REJECTED`, `DEFAULTED` or `CLEANED`.
    pub effect: String,
    /// Values by source.
    pub counts: Vec<i64>,
    /// Values of all sources.
    pub total: i64,
    /// The reasons.
    pub reasons: Vec<ReasonValues>,
}

/// The values of one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReasonValues {
    /// The code of docs/codes.md.
    pub reason: String,
    /// Its meaning.
    pub meaning: String,
    /// Values by source.
    pub counts: Vec<i64>,
    /// Values of all sources.
    pub total: i64,
}

impl ReportValues {
    /// Adds up findings of these sources.
    pub fn count(sources: &[Source], findings: impl IntoIterator<Item = (Source, Reason, i64)>) -> Self {
        let mut by_reason: BTreeMap<Reason, Vec<i64>> = BTreeMap::new();
        for (source, reason, count) in findings {
            if let Some(place) = sources.iter().position(|known| *known == source) {
                by_reason.entry(reason).or_insert_with(|| vec![0; sources.len()])[place] += count;
            }
        }
        let effects = SHOWN.iter().map(|effect| {
            let held = by_reason.iter().filter(|(reason, _)| reason.effect() == *effect);
            let mut reasons: Vec<ReasonValues> = held
                .map(|(reason, counts)| ReasonValues {
                    reason: reason.code().to_owned(),
                    meaning: reason.meaning().to_owned(),
                    counts: counts.clone(),
                    total: counts.iter().sum(),
                })
                .collect();
            reasons.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.reason.cmp(&b.reason)));
            let of_source = |place: usize| reasons.iter().map(|reason| reason.counts[place]).sum();
            EffectValues {
                effect: effect.code().to_owned(),
                counts: (0..sources.len()).map(of_source).collect(),
                total: reasons.iter().map(|reason| reason.total).sum(),
                reasons,
            }
        });
        Self { sources: sources.iter().map(|source| source.code().to_owned()).collect(), effects: effects.collect() }
    }

    /// The table for a terminal: a line per effect with its sum, below it a line per reason unless only sums are wanted.
    pub fn text(&self, only_sums: bool) -> String {
        let mut lines = vec![line("values", self.sources.iter().cloned().chain(["all".to_owned()]))];
        let numbers = |counts: &[i64], total: i64| {
            let cells: Vec<String> = counts.iter().chain([&total]).map(|count| cell(*count)).collect();
            cells.into_iter()
        };
        for effect in &self.effects {
            lines.push(line(&effect.effect.to_lowercase(), numbers(&effect.counts, effect.total)));
            if !only_sums {
                let reasons = effect.reasons.iter();
                lines.extend(reasons.map(|held| line(&format!("  {}", held.reason), numbers(&held.counts, held.total))));
            }
        }
        lines.join("\n")
    }
}

fn cell(count: i64) -> String {
    if count == 0 { "·".to_owned() } else { number(count) }
}

fn line(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!(" {cell:>10}")).collect();
    format!("   {name:<30}{cells}")
}

/// The exported columns of a staged column, which findings name.
pub fn exported_as(column: &str) -> &'static [&'static str] {
    match column {
        "tenant" => &["tenant_id"],
        "email" => &["email"],
        "phone" => &["phone", "phone_number"],
        "first_name" => &["first_name", "name"],
        "last_name" => &["last_name", "surname"],
        "born_on" => &["date_of_birth"],
        "gender" => &["gender"],
        "handicap" => &["handicap"],
        "golf_number" => &["golf_rsa_id", "cdh_id"],
        "auth_user_id" => &["auth_user_id", "external_subject"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ReportValues {
        let findings = [
            (Source::Scl, Reason::EmailLowered, 3),
            (Source::McaZa, Reason::PhoneSplit, 1_200),
            (Source::Scl, Reason::PhoneSplit, 1),
            (Source::McaZa, Reason::PhoneJunk, 4),
            (Source::McaZa, Reason::PhoneJunk, 1),
            (Source::McaZa, Reason::PhonePremium, 9),
            (Source::Teetime, Reason::PhoneJunk, 1_000),
        ];
        ReportValues::count(&[Source::McaZa, Source::Scl], findings)
    }

    #[test]
    fn values_add_up_by_effect_reason_and_source_and_noted_ones_are_left_out() {
        let values = sample();
        let sums: Vec<_> = values.effects.iter().map(|held| (held.effect.as_str(), held.counts.clone(), held.total)).collect();
        assert_eq!(sums, [("REJECTED", vec![5, 0], 5), ("DEFAULTED", vec![0, 0], 0), ("CLEANED", vec![1_200, 4], 1_204)]);
        let cleaned: Vec<_> = values.effects[2].reasons.iter().map(|held| (held.reason.as_str(), held.total)).collect();
        assert_eq!(cleaned, [("PHONE_SPLIT", 1_201), ("EMAIL_LOWERED", 3)]);
    }

    #[test]
    fn the_terminal_shows_sums_then_reasons_in_columns() {
        let text = sample().text(false);
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["values", "mca_za", "scl", "all"]);
        assert_eq!(words[1], ["rejected", "5", "·", "5"]);
        assert_eq!(words[2], ["PHONE_JUNK", "5", "·", "5"]);
        assert_eq!(words[4], ["cleaned", "1,200", "4", "1,204"]);
        let widths: std::collections::BTreeSet<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 1, "columns are aligned");
        assert_eq!(sample().text(true).lines().count(), 4);
    }
}
