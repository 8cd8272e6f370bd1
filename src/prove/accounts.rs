//! Checks that the ledger has as many outcomes of each entity as rows were exported.

use std::collections::BTreeMap;

use crate::model::Source;
use crate::prove::Finding;
use crate::tables::check::ledger;

/// Counts outcomes.
#[derive(Debug, Default)]
pub struct Accounts {
    told: BTreeMap<(Source, String), u64>,
}

impl Accounts {
    /// Adds a batch of the ledger.
    pub fn add_ledger(&mut self, columns: &ledger::Columns) {
        let mut kinds = columns.rows().map(|row| (row.source, row.entity)).peekable();
        while let Some(kind) = kinds.next() {
            let mut count = 1;
            while kinds.next_if_eq(&kind).is_some() {
                count += 1;
            }
            *self.told.entry((kind.0, kind.1.to_owned())).or_default() += count;
        }
    }

    /// Compares with the rows of the exports' manifests.
    pub fn finish(mut self, exported: &[(Source, &str, u64)]) -> Vec<Finding> {
        let number = |(source, entity): &(Source, String), expected, observed| {
            Finding::numbers("ledger_balance", format!("{source}.{entity}"), expected, observed)
        };
        let mut findings = Vec::new();
        for (source, entity, rows) in exported {
            let key = (*source, (*entity).to_owned());
            let told = self.told.remove(&key).unwrap_or(0);
            findings.push(number(&key, *rows, told));
        }
        findings.extend(self.told.iter().map(|(key, told)| number(key, 0, *told)));
        findings
    }
}
