//! How the consent of a person changed from one run to another, the dangerous direction first.

use crate::coded;
use crate::model::ConsentStatus;

coded! {
    /// A change of consent on one channel, most dangerous first.
    pub enum ConsentTurn {
        /// Opted out before, opted in now.
        OptOutToOptIn = "OPT_OUT_TO_OPT_IN",
        /// Opted out before, nothing now.
        OptOutLost = "OPT_OUT_LOST",
        /// The profile's flag was off and is on.
        MayNow = "MAY_NOT_TO_MAY",
        /// Opted in before, opted out now.
        OptInToOptOut = "OPT_IN_TO_OPT_OUT",
        /// Opted in before, nothing now.
        OptInLost = "OPT_IN_LOST",
        /// The profile's flag was on and is off.
        MayNoMore = "MAY_TO_MAY_NOT",
        /// Nothing before, opted out now.
        NewOptOut = "NEW_OPT_OUT",
        /// Nothing before, opted in now.
        NewOptIn = "NEW_OPT_IN",
    }
}

impl ConsentTurn {
    /// The change from the consent of every profile that a person had before, to that of the profile they have now.
    pub fn of(before: impl IntoIterator<Item = ConsentStatus>, now: Option<ConsentStatus>) -> Option<Self> {
        let (mut was_out, mut was_in) = (false, false);
        for status in before {
            match status {
                ConsentStatus::OptedOut => was_out = true,
                ConsentStatus::OptedIn => was_in = true,
            }
        }
        match (was_out, was_in, now) {
            (true, _, Some(ConsentStatus::OptedIn)) => Some(Self::OptOutToOptIn),
            (true, _, None) => Some(Self::OptOutLost),
            (_, true, Some(ConsentStatus::OptedOut)) => Some(Self::OptInToOptOut),
            (false, true, None) => Some(Self::OptInLost),
            (false, false, Some(ConsentStatus::OptedOut)) => Some(Self::NewOptOut),
            (false, false, Some(ConsentStatus::OptedIn)) => Some(Self::NewOptIn),
            (true, false, Some(ConsentStatus::OptedOut)) | (false, true, Some(ConsentStatus::OptedIn)) | (false, false, None) => {
                None
            }
        }
    }

    /// The change of a profile's flag, from those of every profile that a person had before.
    pub fn of_flag(before: impl IntoIterator<Item = bool>, now: bool) -> Option<Self> {
        let (mut was_off, mut was_on) = (false, false);
        for flag in before {
            was_on |= flag;
            was_off |= !flag;
        }
        match now {
            true if was_off => Some(Self::MayNow),
            false if was_on => Some(Self::MayNoMore),
            _ => None,
        }
    }

    /// Whether someone may be contacted now who could not be before.
    pub fn is_dangerous(self) -> bool {
        matches!(self, Self::OptOutToOptIn | Self::MayNow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConsentStatus::{OptedIn, OptedOut};

    #[test]
    fn an_opt_out_of_any_former_profile_counts_against_an_opt_in() {
        assert_eq!(ConsentTurn::of([OptedIn, OptedOut], Some(OptedIn)), Some(ConsentTurn::OptOutToOptIn));
        assert_eq!(ConsentTurn::of([OptedOut], Some(OptedIn)), Some(ConsentTurn::OptOutToOptIn));
        assert_eq!(ConsentTurn::of([OptedOut, OptedIn], None), Some(ConsentTurn::OptOutLost));
        assert_eq!(ConsentTurn::of([OptedIn, OptedOut], Some(OptedOut)), Some(ConsentTurn::OptInToOptOut));
        assert_eq!(ConsentTurn::of([OptedOut], Some(OptedOut)), None);
        assert_eq!(ConsentTurn::of([], None), None);
        assert_eq!(ConsentTurn::of([], Some(OptedIn)), Some(ConsentTurn::NewOptIn));
    }

    #[test]
    fn a_flag_that_was_off_on_any_former_profile_is_raised() {
        assert_eq!(ConsentTurn::of_flag([true, false], true), Some(ConsentTurn::MayNow));
        assert_eq!(ConsentTurn::of_flag([true, false], false), Some(ConsentTurn::MayNoMore));
        assert_eq!(ConsentTurn::of_flag([true], true), None);
        assert_eq!(ConsentTurn::of_flag([], true), None, "a new person had no flag");
    }
}
