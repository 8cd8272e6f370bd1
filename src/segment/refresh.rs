//! Refreshes the segments of a run: reads and orders the rules, finds the members. A broken segment does not stop the others.

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use chrono_tz::Tz;
use rayon::prelude::*;

use crate::model::{CustomerStatus, ProfileIx, Timestamp, Uuid, derived_id};
use crate::segment::evaluate::{Around, View, evaluate};
use crate::segment::tally::Tallies;
use crate::segment_rule::Question;
use crate::segment_rule::canonical::canonical;
use crate::segment_rule::error::{Place, RuleError, hint, shortened};
use crate::segment_rule::moment::Clock;
use crate::segment_rule::parse::{Parsed, parse};
use crate::segment_rule::plan::{Plan, plan};
use crate::tables::ProfileIndex;
use crate::tables::crm::{activities, customer_profiles};
use crate::tables::score::{memberships, profiles, refreshes};
use crate::tables::{Builder as _, Columns as _};

/// The definition of a segment, from the CRM or the starter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// `CustomerSegment.id`.
    pub id: String,
    /// Its tenant; only profiles of this tenant can be members.
    pub tenant_id: String,
    /// Its club; if set, only profiles with this home club can be members.
    pub club_id: Option<String>,
    /// Its name, unique in the tenant.
    pub name: String,
    /// The rule, JSON of any dialect.
    pub criteria: Option<String>,
    /// AND or OR, for a bare list.
    pub combinator: Option<String>,
    /// Whether it is DYNAMIC, active and not deleted; other segments are only known by name.
    pub is_refreshed: bool,
    /// Whether it is one of the starter set that the CRM does not have.
    pub is_new: bool,
}

/// The state of a segment during the run.
struct Segment {
    definition: Definition,
    clock: Clock,
    rule: Option<Parsed>,
    outcome: Result<Plan, String>,
}

/// The segments of a run.
pub struct Refresh {
    segments: Vec<Segment>,
    /// Positions of the segments that can be evaluated, in order of dependency.
    order: Vec<usize>,
    tallies: Tallies,
    as_of: Timestamp,
}

/// Members of each segment, one bit per profile, by batch.
#[derive(Default)]
pub struct Members {
    /// Of each batch its first profile, and the members by segment.
    batches: Vec<(ProfileIx, Vec<Option<BooleanBuffer>>)>,
    next: usize,
}

/// Batches of profiles whose members become one batch of rows.
const GROUP: usize = 8;

impl Refresh {
    /// Reads and orders the rules.
    pub fn new(mut definitions: Vec<Definition>, as_of: Timestamp, zone: impl Fn(&str) -> Tz, profiles: usize) -> Self {
        definitions.sort_by(|a, b| a.id.cmp(&b.id));
        let rules: Vec<Result<Parsed, String>> = definitions.iter().map(read).collect();
        let (order, outcomes) = resolve(&definitions, &rules, as_of, &zone);
        let segments: Vec<Segment> = definitions
            .into_iter()
            .zip(rules)
            .zip(outcomes)
            .map(|((definition, rule), outcome)| {
                let clock = Clock { as_of, zone: zone(&definition.tenant_id) };
                Segment { definition, clock, rule: rule.ok(), outcome }
            })
            .collect();
        let mut measures = Vec::new();
        for position in &order {
            if let Ok(plan) = &segments[*position].outcome {
                plan.visit(&mut |plan| {
                    if let Plan::Activity(activity) = plan {
                        measures.push(&activity.measure);
                    }
                });
            }
        }
        let tallies = Tallies::new(measures, profiles);
        Self { segments, order, tallies, as_of }
    }

    /// The question of each segment, by position; `None` if it cannot be evaluated.
    pub fn questions(&self) -> Vec<Option<Question<'_>>> {
        let asked = |segment| {
            let Segment { definition, outcome, .. }: &Segment = segment;
            let club_id = definition.club_id.as_deref();
            let plan = outcome.as_ref().ok()?;
            Some(Question { id: &definition.id, tenant_id: &definition.tenant_id, club_id, plan })
        };
        self.segments.iter().map(asked).collect()
    }

    /// Whether a rule looks at activities.
    pub fn reads_timeline(&self) -> bool {
        !self.tallies.is_empty()
    }

    /// Adds some batches of the timeline. Every activity must be added once, in any order.
    pub fn add_activities(&mut self, batches: &[activities::Columns], index: &ProfileIndex) {
        self.tallies.add(batches, index);
    }

    /// Finds the members. Profiles and scores must have the same order and batches.
    pub fn members(&self, profiles: &[customer_profiles::Columns], scores: &[profiles::Columns]) -> Members {
        let mut members = Members::default();
        self.add_members(profiles, scores, &mut members);
        members
    }

    /// Finds the members among the next batches of profiles.
    pub fn add_members(&self, profiles: &[customer_profiles::Columns], scores: &[profiles::Columns], members: &mut Members) {
        let mut views = Vec::with_capacity(profiles.len());
        for (profiles, scores) in profiles.iter().zip(scores) {
            views.push(View { profiles, scores, first: members.next });
            members.next += profiles.len();
        }
        members.batches.par_extend(views.par_iter().map(|view| (ProfileIx::at(view.first), self.members_of(*view))));
    }

    fn members_of(&self, view: View<'_>) -> Vec<Option<BooleanBuffer>> {
        let mut members: Vec<Option<BooleanBuffer>> = vec![None; self.segments.len()];
        for &position in &self.order {
            let segment = &self.segments[position];
            let Ok(plan) = &segment.outcome else { continue };
            let around = Around { tallies: &self.tallies, members: &members, clock: segment.clock };
            let eligible = eligible(&segment.definition, view.profiles);
            let found = if eligible.count_set_bits() == 0 { eligible } else { &eligible & &evaluate(plan, view, &around) };
            members[position] = Some(found);
        }
        members
    }

    /// Passes on the rows of `seg__memberships` in key order, batch by batch.
    pub fn memberships<E: Send>(
        &self,
        members: &Members,
        index: &ProfileIndex,
        mut sink: impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let groups: Vec<_> = members.batches.chunks(GROUP).collect();
        for (position, segment) in self.segments.iter().enumerate() {
            for some in groups.chunks(rayon::current_num_threads()) {
                let rows: Vec<RecordBatch> =
                    some.par_iter().map(|members| self.rows(segment, position, index, members)).collect();
                for batch in rows.into_iter().filter(|batch| batch.num_rows() > 0) {
                    sink(batch)?;
                }
            }
        }
        Ok(())
    }

    fn rows(
        &self,
        segment: &Segment,
        position: usize,
        index: &ProfileIndex,
        members: &[(ProfileIx, Vec<Option<BooleanBuffer>>)],
    ) -> RecordBatch {
        let mut rows = memberships::Builder::new(0);
        let mut text = Uuid::encode_buffer();
        for (first, members) in members {
            let Some(members) = &members[position] else { continue };
            for row in members.set_indices() {
                index.with_id(ProfileIx::at(first.index() + row), |customer_id| {
                    let id = derived_id("segment_membership", &[&segment.definition.id, customer_id]);
                    rows.push(memberships::Row {
                        id: id.hyphenated().encode_lower(&mut text),
                        tenant_id: &segment.definition.tenant_id,
                        segment_id: &segment.definition.id,
                        customer_id,
                        source: "RULE",
                        added_at: self.as_of,
                    });
                });
            }
        }
        rows.finish()
    }

    /// The rows of `seg__refreshes`: every segment that was to be refreshed, with its members or its error.
    pub fn refreshes(&self, members: &Members) -> RecordBatch {
        let mut rows = refreshes::Builder::new(self.segments.len());
        for (position, segment) in self.segments.iter().enumerate().filter(|(_, segment)| segment.definition.is_refreshed) {
            let count: usize =
                members.batches.iter().filter_map(|(_, batch)| batch[position].as_ref()).map(BooleanBuffer::count_set_bits).sum();
            let rule = segment.rule.as_ref().map(|parsed| canonical(&parsed.rule).to_string());
            let lint = segment.rule.as_ref().map(|parsed| parsed.lints.join("; ")).filter(|lint| !lint.is_empty());
            rows.push(refreshes::Row {
                segment_id: &segment.definition.id,
                tenant_id: &segment.definition.tenant_id,
                name: &segment.definition.name,
                rule: rule.as_deref(),
                rule_member_count: i32::try_from(count).expect("fewer than 2^31 members"),
                refreshed_at: self.as_of,
                error: segment.outcome.as_ref().err().map(String::as_str),
                is_new: segment.definition.is_new,
                lint: lint.as_deref(),
            });
        }
        rows.finish()
    }
}

/// Profiles that may be members of a segment: of its tenant and, for a segment of a club, with that home club; never merged ones.
fn eligible(definition: &Definition, profiles: &customer_profiles::Columns) -> BooleanBuffer {
    BooleanBuffer::collect_bool(profiles.len(), |row| {
        profiles.tenant_id(row) == definition.tenant_id
            && profiles.status(row) != CustomerStatus::Merged
            && definition.club_id.as_deref().is_none_or(|club| profiles.home_club_id(row) == Some(club))
    })
}

fn read(definition: &Definition) -> Result<Parsed, String> {
    if !definition.is_refreshed {
        return Err(String::new());
    }
    match definition.criteria.as_deref().map(str::trim) {
        None | Some("" | "null") => Err(Place::Root.error("is missing").to_string()),
        Some(criteria) => parse(criteria, definition.combinator.as_deref()).map_err(|error| error.to_string()),
    }
}

/// Orders the plans so that every segment comes after those it refers to. Segments in a cycle, or that depend on a broken one,
/// fail.
fn resolve(
    definitions: &[Definition],
    rules: &[Result<Parsed, String>],
    as_of: Timestamp,
    zone: &impl Fn(&str) -> Tz,
) -> (Vec<usize>, Vec<Result<Plan, String>>) {
    let position = |tenant: &str, name: &str| {
        let same_tenant = || definitions.iter().enumerate().filter(|(_, one)| one.tenant_id == tenant);
        let Some((position, found)) = same_tenant().find(|(_, one)| one.name == name) else {
            let near = hint(name, same_tenant().map(|(_, one)| one.name.as_str()));
            return Err(Place::Root.error(format!("no segment of this tenant is named {:?}{near}", shortened(name))));
        };
        if !found.is_refreshed {
            let what = format!("{:?} is not an active DYNAMIC segment: only the CRM knows its members", shortened(name));
            return Err(Place::Root.error(what));
        }
        Ok(position)
    };
    let mut outcomes: Vec<Result<Plan, String>> = definitions
        .iter()
        .zip(rules)
        .map(|(definition, rule)| {
            let rule = rule.as_ref().map_err(Clone::clone)?;
            let clock = Clock { as_of, zone: zone(&definition.tenant_id) };
            let planned: Result<Plan, RuleError> = plan(&rule.rule, &clock, &|name| position(&definition.tenant_id, name));
            planned.map_err(|error| error.to_string())
        })
        .collect();
    let references: Vec<Vec<usize>> =
        outcomes.iter().map(|outcome| outcome.as_ref().map_or_else(|_| Vec::new(), Plan::references)).collect();
    let mut order = Vec::new();
    let mut is_done = vec![false; definitions.len()];
    loop {
        let ready =
            |one: &usize| !is_done[*one] && outcomes[*one].is_ok() && references[*one].iter().all(|other| is_done[*other]);
        let next: Vec<usize> = (0..definitions.len()).filter(ready).collect();
        if next.is_empty() {
            break;
        }
        for one in next {
            is_done[one] = true;
            order.push(one);
        }
    }
    for one in 0..definitions.len() {
        if !is_done[one] && outcomes[one].is_ok() {
            outcomes[one] = Err(why_not(one, &references, &is_done, definitions));
        }
    }
    (order, outcomes)
}

/// Why a valid rule cannot be evaluated: it refers to itself, or to a segment that failed.
fn why_not(one: usize, references: &[Vec<usize>], is_done: &[bool], definitions: &[Definition]) -> String {
    let failed: Vec<usize> = references[one].iter().copied().filter(|other| !is_done[*other]).collect();
    let leads_back = |start: usize| {
        let mut seen = vec![false; references.len()];
        let mut open = vec![start];
        while let Some(next) = open.pop() {
            if next == one {
                return true;
            }
            if !std::mem::replace(&mut seen[next], true) {
                open.extend(&references[next]);
            }
        }
        false
    };
    let name = |other: usize| shortened(&definitions[other].name);
    let what = match (failed.iter().find(|other| leads_back(**other)), failed.first()) {
        (Some(&other), _) if other == one => "refers to itself".to_owned(),
        (Some(&other), _) => format!("refers to itself through {:?}", name(other)),
        (None, Some(&other)) => format!("depends on {:?}, which cannot be refreshed", name(other)),
        (None, None) => "cannot be refreshed".to_owned(),
    };
    Place::Root.error(what).to_string()
}
