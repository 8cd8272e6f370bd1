//! The sample as a page: both records of each pair, the other records of their profiles, and the evidence with its weights.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::sample::{COLUMNS, ReviewedColumn, ReviewedValue, ReviewedValues, values};
use super::{AuditArgs, evidence};
use crate::cli::Session;
use crate::model::{RecordIx, RecordKey};
use crate::report::checklist::AUDIT_VERDICTS;
use crate::report::review::{Likeness, ReviewLine, ReviewOther, ReviewPage, ReviewPair, render};
use crate::resolve::evaluate::sample::Pair;
use crate::resolve::explain::PairComparison;
use crate::resolve::{ComparisonLevel, Resolution};
use crate::steps::binding::{self, Made};
use crate::steps::inputs;
use crate::steps::resolve::Inputs;
use crate::store::{Folder, hash_bytes, write_output};
use crate::tables::dictionary::mask;
use crate::tables::resolution::links;

/// Rivals of a record without a name that are listed.
const RIVALS: usize = 10;

/// Writes the page. The evidence is computed again, so the staged records and the decisions must be those of `data/resolve`.
pub(super) fn write(session: &Session, resolved: &Folder, drawn: &[Pair], args: &AuditArgs, out: &Path) -> Result<()> {
    binding::require(session, Made::Resolve)?;
    let resolution = Inputs::read(session, inputs::pilot(session)?)?.resolve(session)?;
    let profiles = SampledProfiles::read(resolved, drawn)?;
    let rivals = rivals(&resolution, drawn);
    let records = drawn.iter().flat_map(|pair| [pair.a.as_str(), pair.b.as_str()]);
    let others = profiles.records.values().flatten().map(String::as_str);
    let of_rivals = rivals.values().flat_map(BTreeMap::keys).map(String::as_str);
    let values = values(session, records.chain(others).chain(of_rivals))?;
    let maker = PairMaker { resolution: &resolution, profiles: &profiles, rivals: &rivals, values: &values, show: args.show };
    let keys: String = drawn.iter().map(|pair| format!("{} {}\n", pair.a, pair.b)).collect();
    let page = ReviewPage {
        id: hash_bytes(keys.as_bytes()).chars().take(16).collect(),
        as_of: resolved.manifest.as_of.clone(),
        is_masked: !args.show,
        needed: AUDIT_VERDICTS,
        pairs: drawn.iter().map(|pair| maker.pair(pair)).collect(),
    };
    write_output(out, render(&page)?.as_bytes())
}

/// The profiles of the sampled records.
struct SampledProfiles {
    /// The profile of each sampled record.
    of: BTreeMap<String, String>,
    /// The records of each of these profiles.
    records: BTreeMap<String, Vec<String>>,
}

impl SampledProfiles {
    fn read(resolved: &Folder, drawn: &[Pair]) -> Result<Self> {
        let sampled: BTreeSet<&str> = drawn.iter().flat_map(|pair| [pair.a.as_str(), pair.b.as_str()]).collect();
        let key = |row: &links::Row<'_>| RecordKey { source: row.source, id: row.source_id }.to_string();
        let mut of = BTreeMap::new();
        for columns in resolved.read::<links::Table>(None)? {
            for row in columns?.rows() {
                let key = key(&row);
                if let Some(profile) = row.profile_id.filter(|_| sampled.contains(key.as_str())) {
                    of.insert(key, profile.to_owned());
                }
            }
        }
        let mut records: BTreeMap<String, Vec<String>> = of.values().map(|profile| (profile.clone(), Vec::new())).collect();
        for columns in resolved.read::<links::Table>(None)? {
            for row in columns?.rows() {
                if let Some(held) = row.profile_id.and_then(|profile| records.get_mut(profile)) {
                    held.push(key(&row));
                }
            }
        }
        Ok(Self { of, records })
    }

    fn records(&self, record: &str) -> &[String] {
        self.of.get(record).and_then(|profile| self.records.get(profile)).map_or(&[], Vec::as_slice)
    }
}

/// For each pair the records that a record without a name may belong to instead, and which of the two that is.
type Rivals = BTreeMap<(String, String), BTreeMap<String, [bool; 2]>>;

fn rivals(resolution: &Resolution, drawn: &[Pair]) -> Rivals {
    let of_pair = |pair: &Pair| {
        let mut found: BTreeMap<String, [bool; 2]> = BTreeMap::new();
        if let Some([a, b]) = both_records(resolution, pair) {
            for (at, competitors) in
                [resolution.competitors(a, b, RIVALS), resolution.competitors(b, a, RIVALS)].iter().enumerate()
            {
                let keys = competitors.iter().map(|&record| resolution.population.key(record).to_string());
                keys.for_each(|key| found.entry(key).or_default()[at] = true);
            }
        }
        found
    };
    drawn.iter().map(|pair| ((pair.a.clone(), pair.b.clone()), of_pair(pair))).collect()
}

/// The two records of a pair; `None` if one is not staged any more.
fn both_records(resolution: &Resolution, pair: &Pair) -> Option<[RecordIx; 2]> {
    let record = |key: &str| RecordKey::parse(key).and_then(|key| resolution.population.find(key));
    Some([record(&pair.a)?, record(&pair.b)?])
}

struct PairMaker<'a> {
    resolution: &'a Resolution,
    profiles: &'a SampledProfiles,
    rivals: &'a Rivals,
    values: &'a BTreeMap<String, ReviewedValues>,
    show: bool,
}

impl PairMaker<'_> {
    fn pair(&self, pair: &Pair) -> ReviewPair {
        let sides = [&self.values[&pair.a], &self.values[&pair.b]];
        let comparison = self.compare(pair);
        let values = COLUMNS.iter().zip(sides[0].iter().zip(sides[1])).filter(|(_, (a, b))| !(is_empty(a) && is_empty(b)));
        ReviewPair {
            a: pair.a.clone(),
            b: pair.b.clone(),
            is_linked: pair.is_linked,
            stratum: pair.stratum.clone(),
            bits: format!("{:.2}", pair.weight.in_bits()),
            evidence: pair.evidence.clone(),
            outcome: comparison.as_ref().map(evidence::outcome).unwrap_or_default(),
            waterfall: comparison.as_ref().map(evidence::waterfall).unwrap_or_default(),
            values: values
                .map(|(column, (a, b))| ReviewLine {
                    label: column.label,
                    a: self.shown(a),
                    b: self.shown(b),
                    likeness: match (likeness(a, b), &comparison) {
                        (Likeness::Different, Some(comparison)) => likeness_of_forms(column.name, comparison),
                        (plain, _) => plain,
                    },
                })
                .collect(),
            others: self.others(pair, sides),
        }
    }

    fn compare(&self, pair: &Pair) -> Option<PairComparison> {
        let [a, b] = both_records(self.resolution, pair)?;
        Some(self.resolution.compare(a, b))
    }

    /// The other records of the profiles of both, and the rivals, in record order.
    fn others(&self, pair: &Pair, sides: [&ReviewedValues; 2]) -> Vec<ReviewOther> {
        let (of_a, of_b) = (self.profiles.records(&pair.a), self.profiles.records(&pair.b));
        let rivals = self.rivals.get(&(pair.a.clone(), pair.b.clone()));
        let known = of_a.iter().chain(of_b).chain(rivals.into_iter().flat_map(BTreeMap::keys));
        let keys: BTreeSet<&String> = known.filter(|key| **key != pair.a && **key != pair.b).collect();
        let other = |key: &String| {
            let values = COLUMNS.iter().enumerate().filter(|(at, _)| !is_empty(&self.values[key][*at]));
            let value = |(at, column): (usize, &ReviewedColumn)| {
                let value = &self.values[key][at];
                let equals = sides.map(|side| likeness(value, &side[at]) == Likeness::Equal);
                (column.label, self.shown(value), both(equals))
            };
            let held = both([of_a.contains(key), of_b.contains(key)]);
            let rival = both(rivals.and_then(|rivals| rivals.get(key)).copied().unwrap_or_default());
            let why = [("in the profile of ", held, ""), ("could be the same person as ", rival, " as well")];
            let why = why.iter().filter(|(_, of, _)| !of.is_empty()).map(|(before, of, after)| format!("{before}{of}{after}"));
            ReviewOther { record: key.clone(), why: why.collect::<Vec<_>>().join("; "), values: values.map(value).collect() }
        };
        keys.into_iter().map(other).collect()
    }

    fn shown(&self, value: &ReviewedValue) -> String {
        if self.show || is_empty(value) { value.shown.clone() } else { mask(&value.shown) }
    }
}

fn is_empty(value: &ReviewedValue) -> bool {
    value.shown.is_empty()
}

fn likeness(a: &ReviewedValue, b: &ReviewedValue) -> Likeness {
    match (a.compared.is_empty() || b.compared.is_empty(), a.compared == b.compared) {
        (true, _) => Likeness::Unknown,
        (false, true) => Likeness::Equal,
        (false, false) => Likeness::Different,
    }
}

/// How values of a column compare that are not equal, but may be forms of one value to the resolution.
fn likeness_of_forms(column: &str, comparison: &PairComparison) -> Likeness {
    use ComparisonLevel as Level;
    let is_form = |level: Level| match column {
        "first_name" => matches!(level, Level::FirstEqual | Level::FirstClose | Level::FirstInitial),
        "last_name" => matches!(level, Level::LastEqual | Level::LastNear),
        "born_on" => matches!(level, Level::BornNear | Level::BornYear),
        "email" => level == Level::EmailNear,
        "phone" => level == Level::PhoneNear,
        "golf_rsa_id" => level == Level::GolfRsaSlip,
        "cdh_id" => level == Level::CdhSlip,
        _ => false,
    };
    match (comparison.evidence.iter().any(|of| is_form(of.level)), comparison.has_swapped_names) {
        (true, true) if column.ends_with("_name") => Likeness::Swapped,
        (true, _) => Likeness::Alike,
        (false, _) => Likeness::Different,
    }
}

/// Which of the two records are meant.
fn both(is: [bool; 2]) -> &'static str {
    match is {
        [true, true] => "A and B",
        [true, false] => "A",
        [false, true] => "B",
        [false, false] => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::explain::Observation;

    /// A comparison with these levels of evidence.
    fn compared(levels: &[ComparisonLevel], has_swapped_names: bool) -> PairComparison {
        let evidence = |level: &ComparisonLevel| Observation { level: *level, words: String::new(), bits: 0.0, why: None };
        PairComparison {
            a: String::new(),
            b: String::new(),
            rule: None,
            evidence: levels.iter().map(evidence).collect(),
            has_swapped_names,
            bits: 0.0,
            short: 0.0,
            refusal: None,
            refusal_words: None,
            confidence: None,
            a_profile_id: None,
            b_profile_id: None,
        }
    }

    #[test]
    fn values_that_the_evidence_counts_as_forms_of_one_do_not_differ() {
        use ComparisonLevel as Level;
        let forms = compared(&[Level::FirstClose, Level::LastNear, Level::BornNear, Level::PhoneNear], false);
        for column in ["first_name", "last_name", "born_on", "phone"] {
            assert_eq!(likeness_of_forms(column, &forms), Likeness::Alike, "{column}");
        }
        assert_eq!(likeness_of_forms("email", &forms), Likeness::Different);
        let swapped = compared(&[Level::FirstEqual, Level::LastEqual], true);
        assert_eq!(["first_name", "last_name"].map(|name| likeness_of_forms(name, &swapped)), [Likeness::Swapped; 2]);
        let others = compared(&[Level::FirstConflict, Level::LastDifferent], false);
        assert_eq!(likeness_of_forms("first_name", &others), Likeness::Different);
    }
}
