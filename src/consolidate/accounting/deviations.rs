//! How many rows each departure from the strategy's literal code decided; the headings are those of docs/deviations.md.

use crate::coded;
use crate::model::Code;
use crate::tables::check;

coded! {
    /// A departure that build decides, by its heading in docs/deviations.md.
    pub enum Departure {
        /// Profiles whose current address or number is not the founding record's.
        CurrentContact = "current-contact",
        /// Profiles that would show only a shared or role address, and do.
        SharedAddressOnly = "shared-address-only",
        /// Profiles without a full name, which the strategy would show as the text `undefined`.
        MissingName = "missing-name",
        /// Profiles whose handicap date belongs to the handicap shown, where the strategy would take the date without the value.
        HandicapDate = "handicap-with-its-date",
        /// Profiles whose handicap dates from before the World Handicap System: no departure, but tagged.
        HandicapPreWhs = "handicap-pre-whs",
        /// Profiles that keep a home club though their latest player has none.
        HomeClubKept = "home-club-kept",
        /// Profiles with several records of one service, of which the current one is shown.
        SeveralServiceIds = "several-service-ids",
        /// Association numbers of a profile that contradict each other.
        ExternalIdConflict = "external-id-conflict",
        /// Subjects of the identity provider that another profile holds.
        AuthUserIdHeldElsewhere = "auth-user-id-held-elsewhere",
        /// Profiles that SCL's standing makes MEMBER.
        LifecycleMember = "lifecycle-member",
        /// Profiles whose records have no date, first seen at as_of.
        FirstSeenAsOf = "first-seen-as-of",
        /// Bookings neither completed nor merely booked, whose type the setting decides.
        BookingType = "booking-types",
        /// Bookings, messages and changes without a date that could place them.
        NoDate = "no-date",
        /// Units of consent decided by the change log, which the strategy does not read.
        ConsentLog = "consent-log",
        /// Units of consent whose grant a later logged act of the person restored.
        ConsentLifted = "consent-lifted",
        /// Units of consent refused by the contact's flag alone.
        ConsentFlag = "consent-flag-false",
        /// Units of consent with any grant: what the flag's share is measured against.
        ConsentGrants = "consent-grants",
        /// Units of consent that a spam complaint withdrew.
        ConsentComplaint = "consent-complaint",
        /// Units of consent whose log, preference and flag disagree.
        ConsentConflict = "consent-conflict",
        /// Rows refused because the refusal of every scope covers them.
        ConsentAllScope = "consent-all-scope",
        /// Rows or flags refused because of the address, not of the profile's own contacts.
        ConsentAddress = "consent-address",
        /// Flags refused because of a withdrawal that an earlier load recorded.
        ConsentEarlierLoad = "consent-earlier-load",
        /// Flags refused because the consented address is not the one the profile shows.
        ConsentNotShown = "consent-address-not-shown",
        /// Flags of people who have died.
        ConsentDeceased = "consent-deceased",
        /// Profiles of people under 18 with any flag on: no departure, but listed apart.
        ConsentMinors = "consent-minors",
        /// Withdrawals of deleted contacts that are kept.
        ConsentDeleted = "consent-deleted-contacts",
    }
}

/// Whether refusals by flag alone silence so many of the grants, more than 2 %, that a person must say what a false flag means.
pub fn flags_need_a_person(silenced: i64, grants: i64) -> bool {
    silenced * 50 > grants
}

/// Counts by departure; adding is commutative, so slices may be counted apart.
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

    /// Adds the counts of another slice.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// How many rows a departure decided.
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
    fn every_departure_has_its_heading_in_the_document() {
        let document = include_str!("../../../docs/deviations.md");
        for departure in Departure::ALL {
            assert!(document.contains(&format!("\n## {departure}\n")), "{departure}");
        }
    }

    #[test]
    fn a_person_is_asked_above_two_per_cent_not_at_them() {
        let asked =
            [(0, 0), (0, 100), (2, 100), (3, 100), (1, 50), (1, 49)].map(|(silenced, all)| flags_need_a_person(silenced, all));
        assert_eq!(asked, [false, false, false, true, false, true]);
    }

    #[test]
    fn slices_counted_apart_add_up_and_come_by_heading() {
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
