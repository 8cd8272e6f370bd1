//! Evaluates a plan over a batch of profiles, column by column.

use arrow::buffer::BooleanBuffer;

use crate::model::{Code as _, Handicap, Timestamp};
use crate::segment::check::{self, Fraction};
use crate::segment::tally::Tallies;
use crate::segment_rule::Decimal;
use crate::segment_rule::field::Field;
use crate::segment_rule::moment::Clock;
use crate::segment_rule::plan::{ActivityPlan, Plan, Range, ValueCheck};
use crate::tables::Columns as _;
use crate::tables::crm::customer_profiles;
use crate::tables::score::profiles;

/// A batch of profiles with their scores, in the same order.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The profiles.
    pub profiles: &'a customer_profiles::Columns,
    /// Their scores.
    pub scores: &'a profiles::Columns,
    /// Number of the first profile in the run.
    pub first: usize,
}

/// What a plan may look up in addition to the profile's own columns.
pub struct Around<'a> {
    /// The numbers over the timeline.
    pub tallies: &'a Tallies,
    /// Members of the segments evaluated before, by position, as rows of the batch.
    pub members: &'a [Option<BooleanBuffer>],
    /// As-of time and zone of the segment's tenant.
    pub clock: Clock,
}

/// The rows for which the plan holds.
pub fn evaluate(plan: &Plan, view: View<'_>, around: &Around<'_>) -> BooleanBuffer {
    let rows = view.profiles.len();
    match plan {
        Plan::All(plans) => plans.iter().fold(BooleanBuffer::new_set(rows), |all, plan| &all & &evaluate(plan, view, around)),
        Plan::Any(plans) => plans.iter().fold(BooleanBuffer::new_unset(rows), |any, plan| &any | &evaluate(plan, view, around)),
        Plan::Not(plan) => !&evaluate(plan, view, around),
        Plan::Field(field, check) => self::field(*field, check, view, around),
        Plan::Activity(plan) => activity(plan, view, around),
        Plan::Member { segment, is_member } => match around.members.get(*segment).and_then(Option::as_ref) {
            Some(members) if *is_member => members.clone(),
            Some(members) => !members,
            None => BooleanBuffer::new_unset(rows),
        },
    }
}

fn activity(plan: &ActivityPlan, view: View<'_>, around: &Around<'_>) -> BooleanBuffer {
    let rows = view.profiles.len();
    let Some(position) = around.tallies.position(&plan.measure) else { return BooleanBuffer::new_unset(rows) };
    let value = |row: usize| around.tallies.value(position, view.first + row);
    BooleanBuffer::collect_bool(rows, |row| number_check(&plan.check, value(row)))
}

fn number_check(check: &ValueCheck, value: Option<Fraction>) -> bool {
    match (check, value) {
        (ValueCheck::IsNull, value) => value.is_none(),
        (ValueCheck::IsNotNull, value) => value.is_some(),
        (ValueCheck::Number(test), Some(value)) => check::number(test, value),
        _ => false,
    }
}

fn field(field: Field, check: &ValueCheck, view: View<'_>, around: &Around<'_>) -> BooleanBuffer {
    let (p, s) = (view.profiles, view.scores);
    let texts = TextCondition { rows: p.len(), check };
    let numbers = |value: &dyn Fn(usize) -> Option<i32>| {
        BooleanBuffer::collect_bool(p.len(), |row| {
            number_check(check, value(row).map(|value| Fraction::of(Decimal::whole(value))))
        })
    };
    let instants = |value: &dyn Fn(usize) -> Option<Timestamp>| {
        BooleanBuffer::collect_bool(p.len(), |row| {
            date_check(check, value(row).map(|at| at.0), |at| around.clock.day(Timestamp(at)))
        })
    };
    let flags = |value: &dyn Fn(usize) -> bool| BooleanBuffer::collect_bool(p.len(), |row| flag_check(check, value(row)));
    match field {
        Field::Email => texts.of(|row| p.email(row)),
        Field::PhoneNumber => texts.of(|row| p.phone_number(row)),
        Field::AuthUserId => texts.of(|row| p.auth_user_id(row)),
        Field::TeetimePlayerId => texts.of(|row| p.teetime_player_id(row)),
        Field::MessagingContactId => texts.of(|row| p.messaging_contact_id(row)),
        Field::McaV1ZaId | Field::McaV1UkId | Field::McaId | Field::GolfRsaId | Field::CdhId => texts.external(field, p),
        Field::FirstName => texts.of(|row| p.first_name(row)),
        Field::LastName => texts.of(|row| p.last_name(row)),
        Field::DisplayName => texts.of(|row| p.display_name(row)),
        Field::Gender => texts.of(|row| Some(p.gender(row).code())),
        Field::Status => texts.of(|row| Some(p.status(row).code())),
        Field::LifecycleStage => texts.of(|row| Some(p.lifecycle_stage(row).code())),
        Field::HomeClubId => texts.of(|row| p.home_club_id(row)),
        Field::HomeClubName => texts.of(|row| p.home_club_name(row)),
        Field::MembershipStatus => texts.of(|row| p.membership_status(row)),
        Field::MembershipTier => texts.of(|row| p.membership_tier(row)),
        Field::Source => texts.of(|row| Some(p.source(row))),
        Field::Tags => {
            let mut buffer = String::new();
            BooleanBuffer::collect_bool(p.len(), |row| match check {
                ValueCheck::List(test) => check::list(test, p.tags(row), &mut buffer),
                check => matches!(check, ValueCheck::IsNotNull),
            })
        }
        Field::Handicap => BooleanBuffer::collect_bool(p.len(), |row| {
            let tenths = |Handicap(tenths): Handicap| Fraction::of(Decimal(i128::from(tenths) * 100_000));
            number_check(check, p.handicap(row).map(tenths))
        }),
        Field::SclMemberId => BooleanBuffer::collect_bool(p.len(), |row| {
            let id = p.scl_member_id(row).and_then(|id| id.parse::<i64>().ok());
            number_check(check, id.map(|id| Fraction::of(Decimal::whole(id))))
        }),
        Field::EngagementScore => numbers(&|row| s.engagement_score(row)),
        Field::ChurnRiskScore => numbers(&|row| s.churn_risk_score(row)),
        Field::LifetimeValue => numbers(&|_| None),
        Field::ActivityCount30d => numbers(&|row| Some(s.activity_count_30d(row))),
        Field::ActivityCount90d => numbers(&|row| Some(s.activity_count_90d(row))),
        Field::BookingCount30d => numbers(&|row| Some(s.booking_count_30d(row))),
        Field::BookingCountTotal => numbers(&|row| Some(s.booking_count_total(row))),
        Field::HandicapUpdatedAt => instants(&|row| p.handicap_updated_at(row)),
        Field::MemberSince => instants(&|row| p.member_since(row)),
        Field::MembershipExpiry => instants(&|row| p.membership_expiry(row)),
        Field::LastActivityAt => instants(&|row| s.last_activity_at(row)),
        Field::LastBookingAt => instants(&|row| s.last_booking_at(row)),
        Field::LastEmailOpenAt => instants(&|row| s.last_email_open_at(row)),
        Field::LastEmailClickAt => instants(&|row| s.last_email_click_at(row)),
        Field::FirstSeenAt => instants(&|row| Some(p.first_seen_at(row))),
        Field::DateOfBirth => BooleanBuffer::collect_bool(p.len(), |row| {
            let day = p.date_of_birth(row);
            let number = day.map(|day| i64::from(day.0));
            date_check(check, number, |_| day.unwrap_or(crate::model::Day(0)))
        }),
        Field::EmailOptIn => flags(&|row| p.email_opt_in(row)),
        Field::SmsOptIn => flags(&|row| p.sms_opt_in(row)),
        Field::PushOptIn => flags(&|row| p.push_opt_in(row)),
        Field::WhatsappOptIn => flags(&|row| p.whatsapp_opt_in(row)),
    }
}

struct TextCondition<'a> {
    rows: usize,
    check: &'a ValueCheck,
}

impl TextCondition<'_> {
    fn of<'v>(&self, value: impl Fn(usize) -> Option<&'v str>) -> BooleanBuffer {
        let mut buffer = String::new();
        BooleanBuffer::collect_bool(self.rows, |row| self.passes(value(row), &mut buffer))
    }

    fn external(&self, field: Field, profiles: &customer_profiles::Columns) -> BooleanBuffer {
        let key = field.code().strip_prefix("externalIds.").unwrap_or_default();
        let mut buffer = String::new();
        BooleanBuffer::collect_bool(self.rows, |row| {
            let text = profiles.external_ids(row);
            // Most profiles have few external ids, so the JSON is parsed only if it contains the key.
            let ids = if text.contains(key) { serde_json::from_str(text).unwrap_or_default() } else { serde_json::Value::Null };
            self.passes(ids.get(key).and_then(serde_json::Value::as_str), &mut buffer)
        })
    }

    fn passes(&self, value: Option<&str>, buffer: &mut String) -> bool {
        match (self.check, value) {
            (ValueCheck::IsNull, value) => value.is_none(),
            (ValueCheck::IsNotNull, value) => value.is_some(),
            (ValueCheck::Text(test), Some(value)) => check::text(test, value, buffer),
            _ => false,
        }
    }
}

fn flag_check(check: &ValueCheck, value: bool) -> bool {
    match check {
        ValueCheck::Flag(wanted) => value == *wanted,
        check => matches!(check, ValueCheck::IsNotNull),
    }
}

fn date_check(check: &ValueCheck, value: Option<i64>, day: impl FnOnce(i64) -> crate::model::Day) -> bool {
    match (check, value) {
        (ValueCheck::IsNull, value) => value.is_none(),
        (ValueCheck::IsNotNull, value) => value.is_some(),
        (ValueCheck::Range(range), value) => Range::holds(range, value),
        (ValueCheck::Anniversary(anniversaries), Some(value)) => anniversaries.include(day(value)),
        _ => false,
    }
}
