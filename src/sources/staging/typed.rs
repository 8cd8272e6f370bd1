//! Reads typed cells (dates, instants, yes and no, numbers, ids), which raw datasets hold as text.

use std::borrow::Cow;

use crate::model::date::{DateRead, DateRules};
use crate::model::text::{is_missing_word, whole};
use crate::model::zone::Zone;
use crate::model::{Day, Reason, Reasons, ReviewVerdict, Timestamp};
use crate::sources::staging::StagingContext;

impl StagingContext<'_> {
    /// How the dates of a column are read.
    pub(super) fn dates(&self, column: &str) -> DateRules {
        self.dates.iter().find(|(name, _)| *name == column).map(|(_, rules)| *rules).unwrap_or_default()
    }

    /// Counts a filled cell and the result of reading it.
    fn settle<T: PartialEq>(
        &mut self,
        column: &'static str,
        read: DateRead<T>,
        reasons: Reasons,
        unreadable: Reason,
    ) -> Option<T> {
        if read != DateRead::Absent {
            self.tally.filled(column);
        }
        self.tally.note_all(column, reasons);
        if read == DateRead::Unreadable {
            self.tally.unreadable(column);
            self.tally.note(column, unreadable);
        }
        read.value()
    }

    /// An instant. `zone` applies to values without an offset; `None` means that no zone is configured.
    pub fn instant(&mut self, column: &'static str, raw: Option<&str>, zone: Option<Zone>) -> Option<Timestamp> {
        let mut reasons = Reasons::default();
        let read = self.dates(column).instant(raw?, zone, &mut reasons);
        self.settle(column, read, reasons, Reason::TimeInvalid)
    }

    /// An instant of a service, which writes UTC where it writes no offset.
    pub fn utc(&mut self, column: &'static str, raw: Option<&str>) -> Option<Timestamp> {
        self.instant(column, raw, Some(Zone::UTC))
    }

    /// A day; of an instant, its day in the zone.
    pub fn day(&mut self, column: &'static str, raw: Option<&str>, zone: Option<Zone>) -> Option<Day> {
        let mut reasons = Reasons::default();
        let read = self.dates(column).day(raw?, zone, &mut reasons);
        self.settle(column, read, reasons, Reason::DateInvalid)
    }

    /// Local midnight at the start of a day.
    pub fn midnight(&mut self, column: &'static str, raw: Option<&str>, zone: Option<Zone>) -> Option<Timestamp> {
        let day = self.day(column, raw, zone)?;
        self.tally.midnight(column, day, zone)
    }

    /// Local midnight of the last day; `None` while it is open: without an end, or with one after as_of.
    pub fn end(&mut self, column: &'static str, raw: Option<&str>, zone: Option<Zone>) -> Option<Timestamp> {
        let raw = raw?;
        let mut reasons = Reasons::default();
        let read = self.dates(column).day(raw, zone, &mut reasons);
        if read == DateRead::Refused && self.dates(column).is_endless(raw) {
            self.tally.filled(column);
            self.tally.note(column, Reason::EndOpen);
            return None;
        }
        let day = self.settle(column, read, reasons, Reason::DateInvalid)?;
        let at = self.tally.midnight(column, day, zone)?;
        if at > self.rules.as_of {
            self.tally.note(column, Reason::EndOpen);
            return None;
        }
        Some(at)
    }

    /// When a record was deleted; `None` if it is not. An unreadable date counts as a deletion at as_of unless `reviews.csv`
    /// decides: a typing error must not bring back a deleted record.
    pub fn deleted(&mut self, column: &'static str, raw: Option<&str>) -> Option<Timestamp> {
        let mut reasons = Reasons::default();
        let read = self.dates(column).instant(raw?, Some(Zone::UTC), &mut reasons);
        let read = match read {
            DateRead::Refused if !reasons.contains(Reason::TimeInfinite) => DateRead::Unreadable,
            read => read,
        };
        match (read, self.verdict(column)) {
            (DateRead::Refused | DateRead::Unreadable, Some(ReviewVerdict::NotDeleted)) => return None,
            (DateRead::Refused | DateRead::Unreadable, Some(ReviewVerdict::Deleted)) => return Some(self.rules.as_of),
            _ => {}
        }
        let reasons = if read == DateRead::Unreadable { Reasons::default() } else { reasons };
        let at = self.settle(column, read, reasons, Reason::DeletedUnreadable);
        if read == DateRead::Absent { None } else { Some(at.unwrap_or(self.rules.as_of)) }
    }

    /// What a person decided about a cell of the row.
    pub(in crate::sources) fn verdict(&self, column: &str) -> Option<ReviewVerdict> {
        let (source, entity, id) = self.tally.row();
        self.rules.reviews.verdict(source, entity, id, column)
    }

    /// The meaning that `reviews.csv` gives to an unreadable consent value.
    fn reviewed_consent(&self, column: &str) -> Option<bool> {
        self.verdict(column).map(|verdict| verdict == ReviewVerdict::OptedIn)
    }

    fn read_boolean(&self, raw: &str) -> DateRead<bool> {
        if is_missing_word(raw) {
            return DateRead::Absent;
        }
        self.rules.reference.boolean(raw).map_or(DateRead::Unreadable, DateRead::Value)
    }

    fn read_consent(&self, raw: &str) -> DateRead<bool> {
        if is_missing_word(raw) {
            return DateRead::Absent;
        }
        self.rules.consent(raw).map_or(DateRead::Unreadable, DateRead::Value)
    }

    /// Yes or no.
    pub fn boolean(&mut self, column: &'static str, raw: Option<&str>) -> Option<bool> {
        let read = self.read_boolean(raw?);
        self.settle(column, read, Reasons::default(), Reason::BooleanInvalid)
    }

    /// Whether a flag is an opt-in; `None` where it is empty. An unreadable flag is an opt-out unless `reviews.csv` decides.
    pub fn consent_flag(&mut self, column: &'static str, raw: Option<&str>) -> Option<bool> {
        match raw.map_or(DateRead::Absent, |raw| self.read_consent(raw)) {
            DateRead::Absent => self.reviewed_consent(column),
            DateRead::Unreadable => Some(self.assume_opt_out(column)),
            read => self.settle(column, read, Reasons::default(), Reason::ConsentUnreadable),
        }
    }

    /// Whether evidence is an opt-in. An empty or unreadable value is an opt-out unless `reviews.csv` decides: an opt-out must
    /// not vanish.
    pub fn consent(&mut self, column: &'static str, raw: Option<&str>) -> bool {
        match raw.map_or(DateRead::Absent, |raw| self.read_consent(raw)) {
            DateRead::Absent => self.reviewed_consent(column).unwrap_or_else(|| {
                self.tally.note(column, Reason::ConsentUnreadable);
                false
            }),
            DateRead::Unreadable => self.assume_opt_out(column),
            read => self.settle(column, read, Reasons::default(), Reason::ConsentUnreadable).unwrap_or(false),
        }
    }

    /// The value assumed for an unreadable consent cell.
    fn assume_opt_out(&mut self, column: &'static str) -> bool {
        self.reviewed_consent(column).unwrap_or_else(|| {
            self.settle::<bool>(column, DateRead::Unreadable, Reasons::default(), Reason::ConsentUnreadable).unwrap_or(false)
        })
    }

    /// A whole number.
    pub fn integer(&mut self, column: &'static str, raw: Option<&str>) -> Option<i32> {
        let raw = raw?;
        let read = match whole(raw).parse() {
            _ if is_missing_word(raw) => DateRead::Absent,
            Ok(number) => DateRead::Value(number),
            Err(_) => DateRead::Unreadable,
        };
        self.settle(column, read, Reasons::default(), Reason::IntegerInvalid)
    }

    /// An id in normal form, so that the same id of two files matches.
    pub fn id<'a>(&mut self, column: &'static str, raw: &'a str) -> Cow<'a, str> {
        let id = whole(raw);
        let is_as_written = matches!(id, Cow::Borrowed(id) if id.len() == raw.len());
        if !is_as_written && id != raw.trim() {
            self.tally.note(column, Reason::IdInteger);
        }
        id
    }
}
