//! Counts the rows that each deviation from the strategy's literal code decided. The keys are the headings of docs/deviations.md.

use crate::coded;
use crate::model::{Code, thousands};
use crate::tables::check;

coded! {
    /// A deviation of this step, by its heading in docs/deviations.md.
    pub enum Departure {
        /// Profiles whose current email or phone is not that of the seed record.
        CurrentContact = "current-contact",
        /// Profiles that show a shared or role email or phone because they have no other.
        SharedAddressOnly = "shared-address-only",
        /// Profiles without a full name, which the strategy would show as the text `undefined`.
        MissingName = "missing-name",
        /// Profiles that show a handicap with its own date, where the strategy would take the date of another one.
        HandicapDate = "handicap-with-its-date",
        /// Profiles whose handicap dates from before the World Handicap System: no deviation, but tagged.
        HandicapPreWhs = "handicap-pre-whs",
        /// Profiles that keep a home club although their latest player has none.
        HomeClubKept = "home-club-kept",
        /// Profiles with several records of one service, of which the current one is shown.
        SeveralServiceIds = "several-service-ids",
        /// Association numbers of a profile that contradict each other.
        ExternalIdConflict = "external-id-conflict",
        /// Subjects of the identity provider that another profile holds.
        AuthUserIdHeldElsewhere = "auth-user-id-held-elsewhere",
        /// Profiles that are MEMBER because of their status in SCL.
        LifecycleMember = "lifecycle-member",
        /// Profiles whose records have no date, first seen at as_of.
        FirstSeenAsOf = "first-seen-as-of",
        /// Bookings neither completed nor merely booked, whose type the setting decides.
        BookingType = "booking-types",
        /// Bookings, messages and changes without a date.
        NoDate = "no-date",
        /// Consent units decided by the change log, which the strategy does not read.
        ConsentLog = "consent-log",
        /// Consent units whose opt-in was restored by a later logged action of the person.
        ConsentLifted = "consent-lifted",
        /// Consent units withdrawn by the contact's flag alone.
        ConsentFlag = "consent-flag-false",
        /// Consent units with an opt-in: the base of the share of [`Self::ConsentFlag`].
        ConsentGrants = "consent-grants",
        /// Consent units withdrawn by a spam complaint.
        ConsentComplaint = "consent-complaint",
        /// Consent units whose log, preference and flag disagree.
        ConsentConflict = "consent-conflict",
        /// Consent rows that are opted out because an opt-out of all scopes covers them.
        ConsentAllScope = "consent-all-scope",
        /// Consent rows or flags that are opted out because of another contact with the same email or phone.
        ConsentAddress = "consent-address",
        /// Flags that are off because of a withdrawal that an earlier load recorded.
        ConsentEarlierLoad = "consent-earlier-load",
        /// Flags that are off because the profile does not show the email or phone of the opt-in.
        ConsentNotShown = "consent-address-not-shown",
        /// Flags of people who have died.
        ConsentDeceased = "consent-deceased",
        /// Profiles of people under 18 with any flag on: no deviation, but listed apart.
        ConsentMinors = "consent-minors",
        /// Withdrawals of deleted contacts that are kept.
        ConsentDeleted = "consent-deleted-contacts",
    }
}

/// The message about opt-ins that are overridden only by a contact flag; `None` up to 2 % of them, above which the owner must
/// confirm what a false flag means.
pub fn flags_to_confirm(overridden: i64, opt_ins: i64) -> Option<String> {
    (overridden * 50 > opt_ins).then(|| {
        let percent = overridden as f64 * 100.0 / opt_ins as f64;
        let (overridden, opt_ins) = (thousands(overridden), thousands(opt_ins));
        format!("{overridden} of {opt_ins} opt-ins ({percent:.1} %, limit 2 %) are overridden only by a contact flag")
    })
}

/// Counts by deviation. Batches may be counted apart and added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departures {
    counts: Vec<i64>,
}

impl Default for Departures {
    fn default() -> Self {
        Self { counts: vec![0; Departure::ALL.len()] }
    }
}

impl Departures {
    /// Counts one row.
    pub fn note(&mut self, departure: Departure) {
        self.add(departure, 1);
    }

    /// Counts one row if the condition holds.
    pub fn note_if(&mut self, departure: Departure, holds: bool) {
        self.add(departure, i64::from(holds));
    }

    /// Counts several rows.
    pub fn add(&mut self, departure: Departure, count: i64) {
        self.counts[departure as usize] += count;
    }

    /// Adds the counts of another batch.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// Number of rows that a deviation affected.
    pub fn count(&self, departure: Departure) -> i64 {
        self.counts[departure as usize]
    }

    /// The rows of `check__departures`, by heading.
    pub fn rows(&self) -> impl Iterator<Item = check::departures::Row<'static>> + '_ {
        let mut all = Departure::ALL.to_vec();
        all.sort_by_key(|departure| departure.code());
        all.into_iter().map(|departure| check::departures::Row { departure: departure.code(), row_count: self.count(departure) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deviation_has_its_heading_in_the_document() {
        let document = include_str!("../../../docs/deviations.md");
        for departure in Departure::ALL {
            assert!(document.contains(&format!("\n## {departure}\n")), "{departure}");
        }
    }

    #[test]
    fn confirmation_is_needed_above_two_per_cent_not_at_them() {
        let asked = [(0, 0), (0, 100), (2, 100), (3, 100), (1, 50), (1, 49)]
            .map(|(overridden, all)| flags_to_confirm(overridden, all).is_some());
        assert_eq!(asked, [false, false, false, true, false, true]);
    }

    #[test]
    fn batches_counted_apart_add_up_and_are_listed_by_heading() {
        let (mut one, mut two) = (Departures::default(), Departures::default());
        one.note(Departure::NoDate);
        two.note_if(Departure::NoDate, true);
        two.note_if(Departure::ConsentFlag, false);
        one.merge(&two);
        assert_eq!((one.count(Departure::NoDate), one.count(Departure::ConsentFlag)), (2, 0));
        let headings: Vec<_> = one.rows().map(|row| row.departure).collect();
        assert!(headings.is_sorted());
    }
}
