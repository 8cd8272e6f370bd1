//! Facts about a profile from its timeline, in a fixed number of bytes.

use serde::{Deserialize, Serialize};

use crate::model::{ActivityCategory, ActivityChannel, Code as _, MessageKind, ProfileIx, Timestamp};

/// The windows in which activities are counted, relative to as_of.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// The as-of time.
    pub as_of: i64,
    pub(super) days_30: i64,
    pub(super) days_90: i64,
    pub(super) days_180: i64,
    pub(super) days_365: i64,
    pub(super) days_455: i64,
    /// Whether messages that the person did not react to are left out of recency, frequency and decline.
    pub engaged_only: bool,
}

impl Windows {
    /// The windows of a run in which every activity counts.
    pub fn new(as_of: Timestamp) -> Self {
        let back = |days: i64| as_of.plus_days(-days).0;
        Self {
            as_of: as_of.0,
            days_30: back(30),
            days_90: back(90),
            days_180: back(180),
            days_365: back(365),
            days_455: back(455),
            engaged_only: false,
        }
    }

    /// Whether an instant lies in (as_of − 90 d, as_of].
    pub fn in_quarter(&self, at: i64) -> bool {
        at > self.days_90 && at <= self.as_of
    }

    /// Whether a person has been known since before the same quarter of last year: at or before as_of − 455 d.
    pub fn before_last_year(&self, at: i64) -> bool {
        at <= self.days_455
    }
}

/// A way in which a person interacted with the club; breadth counts the distinct ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Surface {
    /// Reacted to an e-mail.
    Email,
    /// Answered a text message.
    Sms,
    /// Opened a push notification.
    Push,
    /// Read or answered on WhatsApp.
    Whatsapp,
    /// At the counter.
    InPerson,
    /// Any booking.
    Booking,
    /// Any change of membership.
    Membership,
    /// Any payment.
    Payment,
}

/// The meaning of an activity beyond its category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A message and its outcome.
    Message(MessageKind),
    /// A complaint to support, or negative feedback.
    Complaint,
    /// A payment that failed.
    FailedPayment,
    /// A change to a lower membership tier.
    TierLowered,
    /// A booking that was played.
    Played,
    /// Nothing beyond its category.
    None,
}

/// The values of an activity that metrics and scores use.
#[derive(Clone, Copy, Debug)]
pub struct ScoredEvent {
    /// Its profile.
    pub profile: ProfileIx,
    /// Its category.
    pub category: ActivityCategory,
    /// Its meaning.
    pub sign: Sign,
    /// The channel, if it is known.
    pub channel: Option<ActivityChannel>,
    /// When it happened, microseconds since 1970 (UTC).
    pub at: i64,
}

/// The meaning of an activity's type; `lowers_tier` is called for tier changes only.
pub fn sign(activity_type: &str, lowers_tier: impl FnOnce() -> bool) -> Sign {
    match activity_type {
        "SUPPORT_COMPLAINT" | "FEEDBACK_NEGATIVE" => Sign::Complaint,
        "PAYMENT_FAILED" => Sign::FailedPayment,
        "TEETIME_COMPLETED" => Sign::Played,
        "MEMBER_TIER_CHANGED" if lowers_tier() => Sign::TierLowered,
        _ => MessageKind::from_code(activity_type).map_or(Sign::None, Sign::Message),
    }
}

/// The sums over a profile's activities. Every field is a sum, a maximum or a minimum, so the order of activities does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Facts {
    pub(super) last: i64,
    pub(super) counted_last: i64,
    pub(super) counted_first: i64,
    pub(super) last_booking: i64,
    pub(super) last_email_open: i64,
    pub(super) last_email_click: i64,
    /// Activities in [as_of − 30 d, as_of].
    pub count_30d: u32,
    /// Activities in [as_of − 90 d, as_of].
    pub count_90d: u32,
    /// Activities in [as_of − 30 d, as_of] that count for scores.
    pub counted_30d: u32,
    /// Bookings in [as_of − 30 d, as_of].
    pub bookings_30d: u32,
    /// Bookings at any time, future ones included.
    pub bookings: u32,
    /// Bookings up to as_of that were played.
    pub bookings_played: u32,
    /// Activities after as_of.
    pub future: u32,
    /// Activities in (as_of − 90 d, as_of] that count for scores, as do the two below.
    pub quarter: u32,
    /// Activities in (as_of − 180 d, as_of − 90 d].
    pub quarter_before: u32,
    /// Activities in (as_of − 455 d, as_of − 365 d].
    pub quarter_last_year: u32,
    /// Delivered messages of the quarter, as far as known.
    pub delivered: u32,
    /// Messages of the quarter that were opened; a click implies it.
    pub opened: u32,
    /// Messages of the quarter with a click.
    pub clicked: u32,
    /// Delivered emails of the quarter.
    pub emails: u32,
    /// E-mails of the quarter that were opened.
    pub emails_opened: u32,
    /// E-mails of the quarter before.
    pub emails_before: u32,
    /// Opened e-mails of the quarter before.
    pub emails_opened_before: u32,
    /// Complaints in (as_of − 180 d, as_of].
    pub complaints: u32,
    /// Failed payments in (as_of − 180 d, as_of].
    pub failed_payments: u32,
    pub(super) surfaces: u8,
    /// Whether the person was active in [as_of − 90 d, as_of], other than by receiving messages.
    pub acted: bool,
    /// Whether the tier was lowered in (as_of − 180 d, as_of].
    pub tier_lowered: bool,
    /// Whether consent for e-mail was withdrawn in (as_of − 90 d, as_of].
    pub withdrew: bool,
}

const NEVER: i64 = i64::MIN;

impl Default for Facts {
    fn default() -> Self {
        Self {
            last: NEVER,
            counted_last: NEVER,
            counted_first: i64::MAX,
            last_booking: NEVER,
            last_email_open: NEVER,
            last_email_click: NEVER,
            count_30d: 0,
            count_90d: 0,
            counted_30d: 0,
            bookings_30d: 0,
            bookings: 0,
            bookings_played: 0,
            future: 0,
            quarter: 0,
            quarter_before: 0,
            quarter_last_year: 0,
            delivered: 0,
            opened: 0,
            clicked: 0,
            emails: 0,
            emails_opened: 0,
            emails_before: 0,
            emails_opened_before: 0,
            complaints: 0,
            failed_payments: 0,
            surfaces: 0,
            acted: false,
            tier_lowered: false,
            withdrew: false,
        }
    }
}

impl Facts {
    /// Latest activity not after as_of.
    pub fn last(&self) -> Option<Timestamp> {
        instant(self.last)
    }

    /// Latest activity not after as_of that counts for scores.
    pub fn counted_last(&self) -> Option<Timestamp> {
        instant(self.counted_last)
    }

    /// Earliest activity that counts for scores.
    pub fn counted_first(&self) -> Option<Timestamp> {
        (self.counted_first != i64::MAX).then_some(Timestamp(self.counted_first))
    }

    /// Latest booking not after as_of.
    pub fn last_booking(&self) -> Option<Timestamp> {
        instant(self.last_booking)
    }

    /// Latest e-mail that was opened, by the time it was sent.
    pub fn last_email_open(&self) -> Option<Timestamp> {
        instant(self.last_email_open)
    }

    /// Latest e-mail with a click, by the time it was sent.
    pub fn last_email_click(&self) -> Option<Timestamp> {
        instant(self.last_email_click)
    }

    /// How many distinct surfaces the person used in (as_of − 90 d, as_of].
    pub fn surfaces(&self) -> u32 {
        self.surfaces.count_ones()
    }

    /// Adds one activity.
    pub fn add(&mut self, event: &ScoredEvent, windows: &Windows) {
        let at = event.at;
        let booking = event.category == ActivityCategory::Booking;
        self.bookings += u32::from(booking);
        if at > windows.as_of {
            self.future += 1;
            return;
        }
        self.last = self.last.max(at);
        if booking {
            self.bookings_played += u32::from(event.sign == Sign::Played);
            self.last_booking = self.last_booking.max(at);
        }
        if at >= windows.days_30 {
            self.count_30d += 1;
            self.bookings_30d += u32::from(booking);
        }
        if at >= windows.days_90 {
            self.count_90d += 1;
            self.acted |= !is_outbound(event.sign);
        }
        let quarter = at > windows.days_90;
        let quarter_before = !quarter && at > windows.days_180;
        if !(windows.engaged_only && is_outbound(event.sign)) {
            self.counted_last = self.counted_last.max(at);
            self.counted_first = self.counted_first.min(at);
            self.counted_30d += u32::from(at >= windows.days_30);
            self.quarter += u32::from(quarter);
            self.quarter_before += u32::from(quarter_before);
            self.quarter_last_year += u32::from(at > windows.days_455 && at <= windows.days_365);
        }
        if at > windows.days_180 {
            self.complaints += u32::from(matches!(event.sign, Sign::Complaint | Sign::Message(MessageKind::Complained)));
            self.failed_payments += u32::from(event.sign == Sign::FailedPayment);
            self.tier_lowered |= event.sign == Sign::TierLowered;
        }
        if let Sign::Message(kind) = event.sign {
            self.add_message(kind, event.channel, at, quarter, quarter_before);
        }
        if quarter && let Some(surface) = surface(event) {
            self.surfaces |= 1 << surface as u8;
        }
    }

    /// Adds the facts of other activities of the same profile.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            last,
            counted_last,
            counted_first,
            last_booking,
            last_email_open,
            last_email_click,
            count_30d,
            count_90d,
            counted_30d,
            bookings_30d,
            bookings,
            bookings_played,
            future,
            quarter,
            quarter_before,
            quarter_last_year,
            delivered,
            opened,
            clicked,
            emails,
            emails_opened,
            emails_before,
            emails_opened_before,
            complaints,
            failed_payments,
            surfaces,
            acted,
            tier_lowered,
            withdrew,
        } = *other;
        self.counted_first = self.counted_first.min(counted_first);
        self.surfaces |= surfaces;
        for (mine, theirs) in [
            (&mut self.last, last),
            (&mut self.counted_last, counted_last),
            (&mut self.last_booking, last_booking),
            (&mut self.last_email_open, last_email_open),
            (&mut self.last_email_click, last_email_click),
        ] {
            *mine = theirs.max(*mine);
        }
        for (mine, theirs) in [
            (&mut self.count_30d, count_30d),
            (&mut self.count_90d, count_90d),
            (&mut self.counted_30d, counted_30d),
            (&mut self.bookings_30d, bookings_30d),
            (&mut self.bookings, bookings),
            (&mut self.bookings_played, bookings_played),
            (&mut self.future, future),
            (&mut self.quarter, quarter),
            (&mut self.quarter_before, quarter_before),
            (&mut self.quarter_last_year, quarter_last_year),
            (&mut self.delivered, delivered),
            (&mut self.opened, opened),
            (&mut self.clicked, clicked),
            (&mut self.emails, emails),
            (&mut self.emails_opened, emails_opened),
            (&mut self.emails_before, emails_before),
            (&mut self.emails_opened_before, emails_opened_before),
            (&mut self.complaints, complaints),
            (&mut self.failed_payments, failed_payments),
        ] {
            *mine += theirs;
        }
        for (mine, theirs) in [(&mut self.acted, acted), (&mut self.tier_lowered, tier_lowered), (&mut self.withdrew, withdrew)] {
            *mine |= theirs;
        }
    }

    fn add_message(&mut self, kind: MessageKind, channel: Option<ActivityChannel>, at: i64, quarter: bool, quarter_before: bool) {
        use MessageKind::{Clicked, Complained, Delivered, Opened, Sent, Unsubscribed};
        let reached = u32::from(matches!(kind, Sent | Delivered | Opened | Clicked | Unsubscribed | Complained));
        let opened = u32::from(matches!(kind, Opened | Clicked));
        if quarter {
            self.delivered += reached;
            self.opened += opened;
            self.clicked += u32::from(kind == Clicked);
        }
        if channel == Some(ActivityChannel::Email) {
            if opened == 1 {
                self.last_email_open = self.last_email_open.max(at);
            }
            if kind == Clicked {
                self.last_email_click = self.last_email_click.max(at);
            }
            if quarter {
                self.emails += reached;
                self.emails_opened += opened;
            } else if quarter_before {
                self.emails_before += reached;
                self.emails_opened_before += opened;
            }
        }
    }
}

fn instant(at: i64) -> Option<Timestamp> {
    (at != NEVER).then_some(Timestamp(at))
}

/// Whether the activity is a message that the person did not react to.
fn is_outbound(sign: Sign) -> bool {
    use MessageKind::{Bounced, Delivered, Failed, Queued, Sent};
    matches!(sign, Sign::Message(Queued | Sent | Delivered | Bounced | Failed))
}

fn surface(event: &ScoredEvent) -> Option<Surface> {
    use MessageKind::{Clicked, Opened, Received};
    match (event.category, event.sign) {
        (ActivityCategory::Booking, _) => Some(Surface::Booking),
        (ActivityCategory::Membership, _) => Some(Surface::Membership),
        (ActivityCategory::Payment, _) => Some(Surface::Payment),
        (_, Sign::Message(Received | Opened | Clicked)) => match event.channel? {
            ActivityChannel::Email => Some(Surface::Email),
            ActivityChannel::Sms => Some(Surface::Sms),
            ActivityChannel::Push => Some(Surface::Push),
            ActivityChannel::Whatsapp => Some(Surface::Whatsapp),
            ActivityChannel::InPerson => Some(Surface::InPerson),
            ActivityChannel::Voice | ActivityChannel::Post => None,
        },
        _ => None,
    }
}
