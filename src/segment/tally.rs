//! Numbers over the timeline for all conditions, computed in one pass over the stream.

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use rayon::prelude::*;
use serde_json::Value;

use crate::model::{Code as _, ProfileIx, Timestamp};
use crate::segment::check::{self, Fraction, holds};
use crate::segment_rule::plan::{Measure, ValueCheck};
use crate::segment_rule::rule::Aggregate;
use crate::segment_rule::{Decimal, text};
use crate::tables::Columns as _;
use crate::tables::ProfileIndex;
use crate::tables::crm::activities;

/// The numbers of every profile, one tally per distinct measure.
pub struct Tallies {
    measures: Vec<Measure>,
    states: Vec<TallyState>,
}

enum TallyState {
    Count(Vec<u32>),
    Latest(Vec<i64>),
    Earliest(Vec<i64>),
    Sum(Vec<(i128, u32)>),
    Smallest(Vec<i128>),
    Largest(Vec<i128>),
    Distinct { seen: HashSet<(ProfileIx, u128), FixedState>, count: Vec<u32> },
}

impl TallyState {
    fn new(aggregate: &Aggregate, profiles: usize) -> Self {
        match aggregate {
            Aggregate::Count => Self::Count(vec![0; profiles]),
            Aggregate::DaysSinceLast => Self::Latest(vec![i64::MIN; profiles]),
            Aggregate::DaysSinceFirst => Self::Earliest(vec![i64::MAX; profiles]),
            Aggregate::Sum(_) | Aggregate::Avg(_) => Self::Sum(vec![(0, 0); profiles]),
            Aggregate::Min(_) => Self::Smallest(vec![i128::MAX; profiles]),
            Aggregate::Max(_) => Self::Largest(vec![i128::MIN; profiles]),
            Aggregate::DistinctDays | Aggregate::CountDistinct(_) => {
                Self::Distinct { seen: HashSet::with_hasher(FixedState::default()), count: vec![0; profiles] }
            }
        }
    }

    /// Adds the contribution of an activity. Sums, extremes and sets do not depend on the order.
    fn add(&mut self, profile: ProfileIx, value: i128) {
        let at = profile.index();
        match self {
            Self::Count(count) => count[at] += 1,
            Self::Latest(latest) => latest[at] = latest[at].max(instant(value)),
            Self::Earliest(earliest) => earliest[at] = earliest[at].min(instant(value)),
            Self::Sum(sums) => {
                sums[at].0 += value;
                sums[at].1 += 1;
            }
            Self::Smallest(smallest) => smallest[at] = smallest[at].min(value),
            Self::Largest(largest) => largest[at] = largest[at].max(value),
            Self::Distinct { seen, count } => count[at] += u32::from(seen.insert((profile, value.cast_unsigned()))),
        }
    }
}

fn instant(value: i128) -> i64 {
    i64::try_from(value).expect("it was made of an instant")
}

impl Tallies {
    /// Empty tallies of the distinct measures.
    pub fn new<'a>(measures: impl IntoIterator<Item = &'a Measure>, profiles: usize) -> Self {
        let mut distinct: Vec<Measure> = Vec::new();
        for measure in measures {
            if !distinct.contains(measure) {
                distinct.push(measure.clone());
            }
        }
        let states = distinct.iter().map(|measure| TallyState::new(&measure.aggregate, profiles)).collect();
        Self { measures: distinct, states }
    }

    /// Whether no rule uses the timeline.
    pub fn is_empty(&self) -> bool {
        self.measures.is_empty()
    }

    /// The position of a measure.
    pub fn position(&self, measure: &Measure) -> Option<usize> {
        self.measures.iter().position(|known| known == measure)
    }

    /// Adds some batches of the timeline. Every activity must be added once, in any order.
    pub fn add(&mut self, batches: &[activities::Columns], index: &ProfileIndex) {
        if self.is_empty() {
            return;
        }
        let measures = &self.measures;
        let hits: Vec<Vec<Vec<(ProfileIx, i128)>>> = batches.par_iter().map(|batch| matches(measures, batch, index)).collect();
        self.states.par_iter_mut().enumerate().for_each(|(position, state)| {
            for (profile, value) in hits.iter().flat_map(|batch| &batch[position]) {
                state.add(*profile, *value);
            }
        });
    }

    /// The number of a profile; `None` if no activity passed the filter and the aggregate needs one.
    pub fn value(&self, position: usize, profile: usize) -> Option<Fraction> {
        let days = |at: i64| {
            let since = self.measures[position].clock.as_of.0 - at;
            Fraction::of(Decimal::whole(since.div_euclid(Timestamp::DAY)))
        };
        match &self.states[position] {
            TallyState::Count(count) | TallyState::Distinct { count, .. } => Some(Fraction::of(Decimal::whole(count[profile]))),
            TallyState::Latest(at) => (at[profile] != i64::MIN).then(|| days(at[profile])),
            TallyState::Earliest(at) => (at[profile] != i64::MAX).then(|| days(at[profile])),
            TallyState::Smallest(value) => (value[profile] != i128::MAX).then(|| Fraction::of(Decimal(value[profile]))),
            TallyState::Largest(value) => (value[profile] != i128::MIN).then(|| Fraction::of(Decimal(value[profile]))),
            TallyState::Sum(sums) => {
                let (sum, count) = sums[profile];
                match (&self.measures[position].aggregate, count) {
                    (Aggregate::Avg(_), 0) => None,
                    (Aggregate::Avg(_), _) => Some(Fraction { numerator: sum, denominator: count.into() }),
                    _ => Some(Fraction::of(Decimal(sum))),
                }
            }
        }
    }
}

/// The contributions of a batch to each measure: profile and value.
fn matches(measures: &[Measure], batch: &activities::Columns, index: &ProfileIndex) -> Vec<Vec<(ProfileIx, i128)>> {
    let mut hits = vec![Vec::new(); measures.len()];
    let mut buffer = String::new();
    for row in 0..batch.len() {
        let Some(profile) = index.position(batch.customer_id(row)) else { continue };
        let mut metadata: Option<Value> = None;
        for (measure, hits) in measures.iter().zip(&mut hits) {
            if !passes(measure, batch, row, &mut buffer) {
                continue;
            }
            if needs_metadata(measure) && metadata.is_none() {
                metadata = Some(batch.metadata(row).and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null));
            }
            let metadata = metadata.as_ref().unwrap_or(&Value::Null);
            let holds = measure.conditions.iter().all(|(path, check)| passes_value(check, find(metadata, path), &mut buffer));
            if holds && let Some(value) = contribution(measure, metadata, batch.occurred_at(row)) {
                hits.push((profile, value));
            }
        }
    }
    hits
}

fn needs_metadata(measure: &Measure) -> bool {
    use Aggregate::{Avg, CountDistinct, Max, Min, Sum};
    !measure.conditions.is_empty() || matches!(measure.aggregate, CountDistinct(_) | Sum(_) | Avg(_) | Min(_) | Max(_))
}

/// The cheap part of a filter: everything but the metadata.
fn passes(measure: &Measure, batch: &activities::Columns, row: usize, buffer: &mut String) -> bool {
    let at = batch.occurred_at(row).0;
    if measure.from.is_some_and(|from| at < from) || measure.until.is_some_and(|until| at >= until) {
        return false;
    }
    let mut one_of = |wanted: &[String], value: Option<&str>| {
        wanted.is_empty()
            || value.is_some_and(|value| {
                text::fold_into(value, buffer);
                holds(wanted, buffer)
            })
    };
    one_of(&measure.types, Some(batch.activity_type(row)))
        && one_of(&measure.categories, Some(batch.category(row).code()))
        && one_of(&measure.channels, batch.channel(row))
        && one_of(&measure.services, Some(batch.source_service(row)))
        && one_of(&measure.clubs, batch.club_id(row))
}

/// The value at a path; JSON's null counts as missing.
fn find<'a>(metadata: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(metadata, |value, key| value.as_object()?.get(key)).filter(|value| !value.is_null())
}

fn passes_value(check: &ValueCheck, value: Option<&Value>, buffer: &mut String) -> bool {
    match (check, value) {
        (ValueCheck::IsNull, value) => value.is_none(),
        (ValueCheck::IsNotNull, value) => value.is_some(),
        (ValueCheck::Text(test), Some(Value::String(text))) => check::text(test, text, buffer),
        (ValueCheck::Number(test), Some(Value::Number(number))) => {
            Decimal::from_json(number).is_some_and(|number| check::number(test, Fraction::of(number)))
        }
        (ValueCheck::Flag(wanted), Some(Value::Bool(flag))) => flag == wanted,
        _ => false,
    }
}

/// The contribution of an activity to a measure: an instant, a day, a number, or the fingerprint of a value.
fn contribution(measure: &Measure, metadata: &Value, at: Timestamp) -> Option<i128> {
    match &measure.aggregate {
        Aggregate::Count => Some(0),
        Aggregate::DaysSinceLast | Aggregate::DaysSinceFirst => Some(at.0.into()),
        Aggregate::DistinctDays => Some(measure.clock.day(at).0.into()),
        Aggregate::Sum(path) | Aggregate::Avg(path) | Aggregate::Min(path) | Aggregate::Max(path) => {
            match find(metadata, path)? {
                Value::Number(number) => Decimal::from_json(number).map(|number| number.0),
                _ => None,
            }
        }
        Aggregate::CountDistinct(path) => match find(metadata, path)? {
            Value::String(text) => Some(fingerprint('s', text)),
            Value::Number(number) => Decimal::from_json(number).map(|number| fingerprint('n', &number.to_string())),
            Value::Bool(flag) => Some(fingerprint('b', if *flag { "true" } else { "false" })),
            _ => None,
        },
    }
}

fn fingerprint(kind: char, text: &str) -> i128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind as u8]);
    hasher.update(text.as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    i128::from_be_bytes(bytes)
}
