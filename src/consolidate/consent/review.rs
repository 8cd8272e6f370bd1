//! Rows for manual review (`check__manual_review`), each with the assumption that holds meanwhile and the way to settle it.

use std::collections::BTreeSet;

use crate::coded;
use crate::consolidate::Directory;
use crate::consolidate::consent::contact_points::Address;
use crate::consolidate::consent::units::Units;
use crate::model::{Channel, Code, ConsentStatus, Reason, RecordIx, Reviews, Source};
use crate::tables::Builder as _;
use crate::tables::check::{manual_review, rejects};

use arrow::array::RecordBatch;

coded! {
    /// Why a row needs manual review.
    pub enum ReviewReason {
        /// A preference, logged change or contact flag that is neither yes nor no.
        ConsentUnreadable = "CONSENT_UNREADABLE",
        /// A deletion time that cannot be read.
        DeletedAtUnreadable = "DELETED_AT_UNREADABLE",
        /// A withdrawal of a contact whose email or phone cannot be read.
        ContactPointUnreadable = "CONTACT_POINT_UNREADABLE",
        /// A withdrawal of a contact that is not exported.
        ContactUnknown = "CONTACT_UNKNOWN",
        /// A row of contacts, preferences or logged changes that was left out.
        RowLeftOut = "ROW_LEFT_OUT",
    }
}

impl ReviewReason {
    /// The assumption that holds until the row is settled.
    pub fn assumed(self) -> &'static str {
        match self {
            Self::ConsentUnreadable => "a withdrawal",
            Self::DeletedAtUnreadable => "deleted",
            Self::ContactPointUnreadable => "withdrawn for this contact and its readable contact points only",
            Self::ContactUnknown | Self::RowLeftOut => "nothing: no contact point is known to withhold",
        }
    }

    /// How to settle it.
    pub fn settled_by(self) -> &'static str {
        match self {
            Self::ConsentUnreadable => "consent.reviews: opted-in or opted-out; or a corrected export",
            Self::DeletedAtUnreadable => "consent.reviews: deleted or not-deleted; or a corrected export",
            Self::ContactPointUnreadable | Self::ContactUnknown | Self::RowLeftOut => {
                "a corrected export; or consent.reviews: settled, once the withdrawal is kept elsewhere"
            }
        }
    }
}

/// Entities whose unreadable rows may contain a withdrawal.
const CONSENT_ENTITIES: [&str; 3] = ["contacts", "preferences", "consent_changes"];

/// One row to review: entity, id, column, reason, line in the export.
type ReviewEntry = (String, String, Option<String>, ReviewReason, Option<i64>);

/// Gathers rows for manual review: first from the rejects of staging, then from the decided consent units.
pub struct ManualReview<'a> {
    directory: &'a Directory,
    reviews: &'a Reviews,
    entries: BTreeSet<ReviewEntry>,
    flags: Vec<(RecordIx, Channel)>,
    contact_points: Vec<ContactPoint>,
}

/// A contact's email or phone that cannot be read.
struct ContactPoint {
    contact: RecordIx,
    kind: Address,
    id: String,
    column: String,
    is_withdrawn: bool,
}

impl<'a> ManualReview<'a> {
    /// Empty.
    pub fn new(directory: &'a Directory, reviews: &'a Reviews) -> Self {
        Self { directory, reviews, entries: BTreeSet::new(), flags: Vec::new(), contact_points: Vec::new() }
    }

    /// Takes a batch of the rejects of staging.
    pub fn rejects(&mut self, columns: &rejects::Columns) {
        for row in columns.rows().filter(|row| row.source == Source::Messaging && CONSENT_ENTITIES.contains(&row.entity)) {
            match (row.entity, row.column) {
                // An opt-in on an unknown channel withdraws nothing.
                (_, None) if row.reason == Reason::ChannelUnmapped.code() => {}
                (_, None) => self.enter(&row, None, ReviewReason::RowLeftOut),
                ("preferences", Some("opted_in")) | ("consent_changes", Some("consent_after")) => {
                    self.enter(&row, row.column, ReviewReason::ConsentUnreadable);
                }
                ("contacts", Some("deleted_at")) => self.enter(&row, row.column, ReviewReason::DeletedAtUnreadable),
                ("contacts", Some(column)) => self.contact(&row, column),
                _ => {}
            }
        }
    }

    fn contact(&mut self, row: &rejects::Row<'_>, column: &str) {
        let contact = self.directory.record(Source::Messaging, row.source_id);
        let flag = match column {
            "email_opt_in" => Some(Channel::Email),
            "sms_opt_in" => Some(Channel::Sms),
            _ => None,
        };
        if let Some(channel) = flag {
            self.enter(row, Some(column), ReviewReason::ConsentUnreadable);
            if self.reviews.verdict(Source::Messaging, row.entity, row.source_id, column).is_none() {
                self.flags.extend(contact.map(|contact| (contact, channel)));
            }
        }
        let kind = match column {
            // A placeholder is readable; it only has no mailbox.
            "email" if row.reason != Reason::EmailPlaceholder.code() => Some(Address::Email),
            "phone_number" => Some(Address::Phone),
            _ => None,
        };
        let (id, column) = (row.source_id.to_owned(), column.to_owned());
        let unread = contact.zip(kind);
        self.contact_points.extend(unread.map(|(contact, kind)| ContactPoint { contact, kind, id, column, is_withdrawn: false }));
    }

    fn enter(&mut self, row: &rejects::Row<'_>, column: Option<&str>, reason: ReviewReason) {
        // Only the first line of a cell is kept, because a value may be rejected for two reasons.
        self.add(row.entity, row.source_id, column, reason, Some(row.line));
    }

    fn add(&mut self, entity: &str, id: &str, column: Option<&str>, reason: ReviewReason, line: Option<i64>) {
        if self.reviews.verdict(Source::Messaging, entity, id, column.unwrap_or_default()).is_none() {
            self.entries.insert((entity.to_owned(), id.to_owned(), column.map(str::to_owned), reason, line));
        }
    }

    /// The unreadable contact flags without a verdict.
    pub fn unreadable_flags(&self) -> &[(RecordIx, Channel)] {
        &self.flags
    }

    /// Takes withdrawals of contacts that are not exported, by entity and row.
    pub fn unknown_contacts<'b>(&mut self, rows: impl IntoIterator<Item = (&'static str, &'b str)>) {
        for (entity, row_id) in rows {
            self.add(entity, row_id, None, ReviewReason::ContactUnknown, None);
        }
    }

    /// The unreadable contact points, by position, that would have carried a withdrawal among these units further.
    pub fn withdrawn(&self, units: &Units) -> Vec<usize> {
        let is_withdrawn = |point: &ContactPoint| {
            units.all()[units.of(point.contact)]
                .iter()
                .any(|unit| unit.status == ConsentStatus::OptedOut && Address::of(unit.channel) == Some(point.kind))
        };
        let points = self.contact_points.iter().enumerate();
        points.filter(|(_, point)| is_withdrawn(point)).map(|(position, _)| position).collect()
    }

    /// Records these.
    pub fn note_withdrawn(&mut self, positions: &[usize]) {
        positions.iter().for_each(|&position| self.contact_points[position].is_withdrawn = true);
    }

    /// The rows, including withdrawals that cannot be applied to other contacts because the contact point is unreadable.
    pub fn finish(mut self) -> RecordBatch {
        for point in std::mem::take(&mut self.contact_points).into_iter().filter(|point| point.is_withdrawn) {
            self.add("contacts", &point.id, Some(&point.column), ReviewReason::ContactPointUnreadable, None);
        }
        let mut rows = manual_review::Builder::new(self.entries.len());
        let mut last: Option<&ReviewEntry> = None;
        for entry in &self.entries {
            let (entity, source_id, column, reason, line) = entry;
            let is_same = last.is_some_and(|last| (&last.0, &last.1, &last.2, last.3) == (entity, source_id, column, *reason));
            last = Some(entry);
            if !is_same {
                rows.push(manual_review::Row {
                    source: Source::Messaging,
                    entity,
                    source_id,
                    column: column.as_deref(),
                    line: *line,
                    reason: reason.code(),
                    assumed: reason.assumed(),
                    settled_by: reason.settled_by(),
                });
            }
        }
        rows.finish()
    }
}
