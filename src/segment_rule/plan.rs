//! A rule with its dates resolved: the input of both evaluators, over files and in SQL.

use crate::segment_rule::error::RuleError;
use crate::segment_rule::field::{Field, FieldKind};
use crate::segment_rule::moment::{Anniversaries, Clock, Interval};
use crate::segment_rule::rule::{
    ActivityTest, Aggregate, Comparison, DateTest, Filter, ListTest, Node, NumberTest, Test, TextTest,
};
use crate::segment_rule::text::fold;

/// A condition, dates resolved and texts folded.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Every condition holds.
    All(Vec<Plan>),
    /// At least one holds.
    Any(Vec<Plan>),
    /// Every profile that does not match, including those without a value.
    Not(Box<Plan>),
    /// A field of the profile.
    Field(Field, ValueCheck),
    /// The profile's timeline.
    Activity(Box<ActivityPlan>),
    /// Another segment of the run, by its position.
    Member {
        /// Its position.
        segment: usize,
        /// Whether the rule selects members, or everyone else.
        is_member: bool,
    },
}

impl Plan {
    /// The positions of the segments that it references.
    pub fn references(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.visit(&mut |plan| {
            if let Self::Member { segment, .. } = plan {
                found.push(*segment);
            }
        });
        found
    }

    /// Calls a function for every node, outer nodes first.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match self {
            Self::All(plans) | Self::Any(plans) => plans.iter().for_each(|plan| plan.visit(see)),
            Self::Not(plan) => plan.visit(see),
            Self::Field(..) | Self::Activity(_) | Self::Member { .. } => {}
        }
    }
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueCheck {
    /// The value is missing.
    IsNull,
    /// The value is present.
    IsNotNull,
    /// A text, its values folded.
    Text(TextTest),
    /// A number.
    Number(NumberTest),
    /// A yes or no.
    Flag(bool),
    /// A list, its values folded.
    List(ListTest),
    /// An instant in microseconds, or a day.
    Range(Range),
    /// A day with an anniversary soon; an instant counts as its local day.
    Anniversary(Anniversaries),
}

/// A half-open range of microseconds or days, and the side of it that matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The first value of the range; `None` for no lower bound.
    pub from: Option<i64>,
    /// The first value after the range; `None` for no upper bound.
    pub until: Option<i64>,
    /// The side that matches.
    pub side: RangeSide,
}

/// The side of a range that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSide {
    /// Values in the range.
    Inside,
    /// Values outside the range, but not missing values.
    Outside,
    /// Values outside the range, and missing values.
    OutsideOrMissing,
}

impl Range {
    /// Whether a value matches; `None` is a missing value.
    pub fn holds(&self, value: Option<i64>) -> bool {
        match value {
            None => self.side == RangeSide::OutsideOrMissing,
            Some(value) => {
                let inside = self.from.is_none_or(|from| value >= from) && self.until.is_none_or(|until| value < until);
                inside == (self.side == RangeSide::Inside)
            }
        }
    }
}

/// A condition on a number that is computed over filtered activities.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityPlan {
    /// The number.
    pub measure: Measure,
    /// The condition: `IsNull`, `IsNotNull` or `Number`.
    pub check: ValueCheck,
}

/// A number that is computed over filtered activities.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Types, folded. Empty means any; the same holds for the lists below.
    pub types: Vec<String>,
    /// Categories, folded.
    pub categories: Vec<String>,
    /// Channels, folded.
    pub channels: Vec<String>,
    /// Services, folded.
    pub services: Vec<String>,
    /// Clubs, folded.
    pub clubs: Vec<String>,
    /// Metadata paths, each with the condition on its value.
    pub conditions: Vec<(Vec<String>, ValueCheck)>,
    /// The first instant, in microseconds.
    pub from: Option<i64>,
    /// The instant just after the last one, in microseconds.
    pub until: Option<i64>,
    /// How the number is computed.
    pub aggregate: Aggregate,
    /// The clock of the segment's tenant, for local days and days since.
    pub clock: Clock,
}

/// Resolves a rule; `segment` gives the position of a segment of the same tenant.
pub fn plan(rule: &Node, clock: &Clock, segment: &impl Fn(&str) -> Result<usize, RuleError>) -> Result<Plan, RuleError> {
    let several = |nodes: &[Node]| nodes.iter().map(|node| plan(node, clock, segment)).collect::<Result<Vec<_>, _>>();
    Ok(match rule {
        Node::All(nodes) => Plan::All(several(nodes)?),
        Node::Any(nodes) => Plan::Any(several(nodes)?),
        Node::Not(node) => Plan::Not(Box::new(plan(node, clock, segment)?)),
        Node::Field(field, test) => Plan::Field(*field, check(field.kind(), test, clock)),
        Node::Activity(test) => Plan::Activity(Box::new(activity(test, clock))),
        Node::Member { segment: name, is_member } => Plan::Member { segment: segment(name)?, is_member: *is_member },
    })
}

fn check(kind: FieldKind, test: &Test, clock: &Clock) -> ValueCheck {
    match test {
        Test::IsNull => ValueCheck::IsNull,
        Test::IsNotNull => ValueCheck::IsNotNull,
        Test::Text(test) => ValueCheck::Text(folded(test)),
        Test::Number(test) => ValueCheck::Number(test.clone()),
        Test::Flag(flag) => ValueCheck::Flag(*flag),
        Test::List(test) => ValueCheck::List(match test {
            ListTest::HasAny(values) => ListTest::HasAny(fold_all(values)),
            ListTest::HasAll(values) => ListTest::HasAll(fold_all(values)),
            ListTest::HasNone(values) => ListTest::HasNone(fold_all(values)),
        }),
        Test::Date(DateTest::AnniversaryWithin(span)) => ValueCheck::Anniversary(Anniversaries::of(clock, *span)),
        Test::Date(test) => ValueCheck::Range(range(kind, test, clock)),
    }
}

fn folded(test: &TextTest) -> TextTest {
    match test {
        TextTest::OneOf { values, negated } => TextTest::OneOf { values: fold_all(values), negated: *negated },
        TextTest::Contains { part, negated } => TextTest::Contains { part: fold(part), negated: *negated },
        TextTest::StartsWith(part) => TextTest::StartsWith(fold(part)),
        TextTest::EndsWith(part) => TextTest::EndsWith(fold(part)),
    }
}

/// Folded, sorted and deduplicated, for a binary search.
fn fold_all(values: &[String]) -> Vec<String> {
    let mut folded: Vec<String> = values.iter().map(|value| fold(value)).collect();
    folded.sort_unstable();
    folded.dedup();
    folded
}

fn range(kind: FieldKind, test: &DateTest, clock: &Clock) -> Range {
    let is_day = kind == FieldKind::Day;
    let interval = |when| if is_day { clock.days(when) } else { clock.instants(when) };
    let ago = |ago| if is_day { clock.ago_day(ago) } else { clock.ago_instant(ago) };
    // The first value after as_of: the next microsecond, or tomorrow.
    let (now, after_now) = if is_day {
        let today = i64::from(clock.today().0);
        (today, today + 1)
    } else {
        (clock.as_of.0, clock.as_of.0 + 1)
    };
    let inside = |from, until| Range { from, until, side: RangeSide::Inside };
    match test {
        DateTest::Compare(comparison, when) => {
            let (start, end): Interval = interval(*when);
            match comparison {
                Comparison::Eq => inside(Some(start), Some(end)),
                Comparison::Neq => Range { side: RangeSide::Outside, ..inside(Some(start), Some(end)) },
                Comparison::Gt => inside(Some(end), None),
                Comparison::Gte => inside(Some(start), None),
                Comparison::Lt => inside(None, Some(start)),
                Comparison::Lte => inside(None, Some(end)),
            }
        }
        DateTest::On(when) => {
            let (start, end) = interval(*when);
            if is_day || end - start > 1 {
                return inside(Some(start), Some(end));
            }
            let (start, end) = clock.instants(crate::segment_rule::rule::When::Day(clock.day(crate::model::Timestamp(start))));
            inside(Some(start), Some(end))
        }
        DateTest::Between(from, to) => inside(Some(interval(*from).0), Some(interval(*to).1)),
        DateTest::WithinLast(span) => inside(Some(ago(*span)), Some(after_now)),
        DateTest::NotWithinLast(span) => Range { side: RangeSide::OutsideOrMissing, ..inside(Some(ago(*span)), Some(after_now)) },
        DateTest::OlderThan(span) => inside(None, Some(ago(*span))),
        DateTest::WithinNext(span) | DateTest::AnniversaryWithin(span) => {
            inside(Some(now), Some(interval(crate::segment_rule::rule::When::Relative(*span, None)).1))
        }
    }
}

fn activity(test: &ActivityTest, clock: &Clock) -> ActivityPlan {
    let Filter { types, categories, channels, services, clubs, conditions, within_last, from, to, include_future } = &test.filter;
    let after_now = clock.as_of.0 + 1;
    let from = within_last.map(|ago| clock.ago_instant(ago)).or_else(|| from.map(|when| clock.instants(when).0));
    let until = if within_last.is_some() { Some(after_now) } else { to.map(|when| clock.instants(when).1) };
    let until = if *include_future { until } else { Some(until.map_or(after_now, |until| until.min(after_now))) };
    let conditions = conditions.iter();
    ActivityPlan {
        measure: Measure {
            types: fold_all(types),
            categories: fold_all(categories),
            channels: fold_all(channels),
            services: fold_all(services),
            clubs: fold_all(clubs),
            conditions: conditions.map(|one| (one.path.clone(), check(FieldKind::Text, &one.test, clock))).collect(),
            from,
            until,
            aggregate: test.aggregate.clone(),
            clock: *clock,
        },
        check: check(FieldKind::Number, &test.test, clock),
    }
}

/// A segment to evaluate; the input of both evaluators.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The segment.
    pub id: &'a str,
    /// Its tenant.
    pub tenant_id: &'a str,
    /// Its club.
    pub club_id: Option<&'a str>,
    /// The rule with its dates resolved.
    pub plan: &'a Plan,
}
