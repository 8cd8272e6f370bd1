//! Choices that `backfill.toml` offers and pure modules act on: their words in the file are the names in small letters.

use serde::{Deserialize, Serialize};

/// Declares choices, the default one first.
macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $(#[$first_meta:meta])* $first:ident, $($(#[$other_meta:meta])* $other:ident),+ $(,)? })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
            #[serde(rename_all = "lowercase")]
            pub enum $name {
                $(#[$first_meta])*
                #[default]
                $first,
                $($(#[$other_meta])* $other),+
            }
        )+
    };
}

choices! {
    /// Whether equal values match, and withdrawals apply, within one tenant or across tenants.
    Scope {
        /// Within one tenant.
        Tenant,
        /// Across tenants.
        Global,
    }

    /// Meaning of a contact's false flag where there is an opt-in.
    FlagFalse {
        /// An opt-out.
        Withdrawal,
        /// Nothing: a column default.
        Unset,
    }

    /// The email and phone that a profile shows.
    ContactChoice {
        /// The best current one: SCL, then Messaging unless bounced, then TeeTime, then MCA; mobile before fixed.
        Current,
        /// The seed record's, which the strategy's code never changes.
        Founding,
    }

    /// The range within which only one profile shows an email or phone that several carry.
    HolderReach {
        /// Every profile that carries it shows it.
        Every,
        /// One profile of each tenant, for a CRM with a unique key over tenant and email or phone.
        Tenant,
        /// One profile of the whole CRM, for a unique key over email or phone alone.
        Global,
    }

    /// Activity types of bookings.
    BookingTypes {
        /// `TEETIME_COMPLETED`, and `TEETIME_BOOKED` for everything else.
        Strategy,
        /// Cancellations and no-shows have types of their own.
        Detailed,
    }

    /// How an engagement component without any data counts.
    MissingComponent {
        /// It counts as 0, as in the CRM.
        Zero,
        /// The others share its weight.
        Renormalise,
    }
}
