//! The five source systems.

use crate::coded;

coded! {
    /// A source system; the order is the record order of identity resolution.
    pub enum Source {
        /// MCA v1 South Africa, the legacy member database.
        McaZa = "mca_za",
        /// MCA v1 United Kingdom, the legacy member database.
        McaUk = "mca_uk",
        /// SCL, the current membership service.
        Scl = "scl",
        /// TeeTime, players and bookings.
        Teetime = "teetime",
        /// Messaging, contacts and consent.
        Messaging = "messaging",
    }
}

impl Source {
    /// The name the CRM knows the service by: `CustomerProfile.source`, `Activity.sourceService`.
    pub fn service(self) -> &'static str {
        match self {
            Self::McaZa => "mca_v1_za",
            Self::McaUk => "mca_v1_uk",
            Self::Scl => "scl",
            Self::Teetime => "teetime",
            Self::Messaging => "messaging",
        }
    }

    /// The entity whose rows are people: `members`, `players` or `contacts`.
    pub fn people(self) -> &'static str {
        match self {
            Self::McaZa | Self::McaUk | Self::Scl => "members",
            Self::Teetime => "players",
            Self::Messaging => "contacts",
        }
    }

    /// The variable that holds the database's URL.
    pub fn url_variable(self) -> &'static str {
        match self {
            Self::McaZa => "MCA_ZA_DATABASE_URL",
            Self::McaUk => "MCA_UK_DATABASE_URL",
            Self::Scl => "SCL_DATABASE_URL",
            Self::Teetime => "TEETIME_DATABASE_URL",
            Self::Messaging => "MESSAGING_DATABASE_URL",
        }
    }

    /// Whether the source is one of the two legacy member databases.
    pub fn is_mca(self) -> bool {
        matches!(self, Self::McaZa | Self::McaUk)
    }
}
