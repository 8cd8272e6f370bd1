//! Staged values: completeness, and what was cleaned, defaulted or rejected.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::phone::second_opinion;
use crate::model::{Code as _, Gender, Reason, Source};
use crate::report::numbers::{Fill, Numbers, ReportFinding};
use crate::report::values::{ReportValues, exported_as};
use crate::tables::{check, stage};

use super::NameCounts;

/// NameCounts the columns of person records, findings and rejects.
#[derive(Default)]
pub struct ValueTally {
    /// Rows, and rows with a value.
    fill: BTreeMap<(Source, &'static str), (i64, i64)>,
    findings: Vec<ReportFinding>,
    /// The distinct phone keys.
    phones: BTreeMap<Source, BTreeSet<String>>,
    rejects: NameCounts,
}

impl ValueTally {
    /// Staged person records: the completeness of their columns.
    pub fn staged(&mut self, source: Source, columns: &stage::people::Columns) {
        let phones = self.phones.entry(source).or_default();
        for row in columns.rows() {
            if let Some(phone) = row.phone_key.filter(|phone| !phones.contains(*phone)) {
                phones.insert(phone.to_owned());
            }
            let mut enter = |column: &'static str, is_filled: bool| {
                let held = self.fill.entry((source, column)).or_default();
                held.0 += 1;
                held.1 += i64::from(is_filled);
            };
            enter("tenant", row.tenant_id.is_some());
            enter("email", row.email.is_some());
            enter("phone", row.phone.is_some());
            enter("first_name", row.first_name.is_some());
            enter("last_name", row.last_name.is_some());
            match source {
                Source::McaZa | Source::McaUk => {
                    enter("born_on", row.born_on.is_some());
                    enter("gender", row.gender != Gender::Unknown);
                    enter("handicap", row.handicap.is_some());
                    let number = if source == Source::McaZa { row.golf_rsa_id } else { row.cdh_id };
                    enter("golf_number", number.is_some());
                }
                Source::Scl => enter("auth_user_id", row.auth_user_id.is_some()),
                Source::Teetime => {
                    enter("handicap", row.handicap.is_some());
                    enter("golf_number", row.golf_rsa_id.is_some() || row.cdh_id.is_some() || row.mca_id.is_some());
                }
                Source::Messaging => enter("auth_user_id", row.auth_user_id.is_some()),
            }
        }
    }

    /// Cleanings, defaults and rejections.
    pub fn findings(&mut self, columns: &check::findings::Columns) {
        self.findings.extend(columns.rows().map(|row| ReportFinding {
            source: row.source.code().to_owned(),
            entity: row.entity.to_owned(),
            column: row.column.to_owned(),
            effect: row.effect.to_owned(),
            reason: row.reason.to_owned(),
            value: row.value.map(str::to_owned),
            count: row.value_count,
        }));
    }

    /// Rejects.
    pub fn rejects(&mut self, columns: &check::rejects::Columns) {
        columns.rows().for_each(|row| self.rejects.add(row.reason));
    }

    pub(super) fn finish(mut self, sources: &[Source], numbers: &mut Numbers) {
        self.ask_again();
        numbers.fill = self.fill();
        let findings = self.findings.iter().filter_map(|finding| {
            Some((Source::from_code(&finding.source)?, Reason::from_code(&finding.reason)?, finding.count))
        });
        numbers.values = ReportValues::count(sources, findings);
        numbers.findings = self.findings;
        numbers.rejects = self.rejects.ranked();
    }

    /// Checks every distinct phone key with a second library.
    fn ask_again(&mut self) {
        let reason = Reason::PhoneSecondOpinion;
        for (source, phones) in std::mem::take(&mut self.phones) {
            let opinion = second_opinion(phones.iter().map(String::as_str));
            if opinion.asked > 0 {
                self.findings.push(ReportFinding {
                    source: source.code().to_owned(),
                    entity: source.people().to_owned(),
                    column: "phone_key".to_owned(),
                    effect: reason.effect().code().to_owned(),
                    reason: reason.code().to_owned(),
                    value: Some(format!("of {} distinct numbers", opinion.asked)),
                    count: i64::try_from(opinion.disagreed).expect("counts fit in 63 bits"),
                });
            }
        }
    }

    fn fill(&self) -> Vec<Fill> {
        let of = |source: Source, column: &str, effect: &str| -> i64 {
            self.findings
                .iter()
                .filter(|finding| {
                    finding.source == source.code() && finding.entity == source.people() && finding.effect == effect
                })
                .filter(|finding| exported_as(column).contains(&finding.column.as_str()))
                .map(|finding| finding.count)
                .sum()
        };
        self.fill
            .iter()
            .map(|((source, column), (rows, filled))| Fill {
                source: source.code().to_owned(),
                column: (*column).to_owned(),
                rows: *rows,
                filled: *filled,
                cleaned: of(*source, column, "CLEANED"),
                rejected: of(*source, column, "REJECTED"),
            })
            .collect()
    }
}
