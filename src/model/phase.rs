//! The six phases of the strategy; each is cumulative.

use serde::{Deserialize, Serialize};

use crate::model::{Code, Source};

/// A phase: 1 MCA, 2 SCL, 3 TeeTime, 4 Messaging, 5 activities, 6 scores and segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Phase(u8);

impl Phase {
    /// The last phase, which is everything.
    pub const LAST: Self = Self(6);
    /// Consent is decided from here on.
    pub const CONSENT: Self = Self(4);
    /// Bookings, messages and membership changes become activities from here on.
    pub const ACTIVITIES: Self = Self(5);
    /// Metrics, scores and segments.
    pub const SCORES: Self = Self(6);

    /// The phase of this number, 1 to 6.
    pub fn new(number: u8) -> Option<Self> {
        (1..=6).contains(&number).then_some(Self(number))
    }

    /// 1 to 6.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The sources whose people are in scope, in record order.
    pub fn sources(self) -> impl Iterator<Item = Source> {
        Source::ALL.iter().copied().filter(move |source| source.phase() <= self)
    }

    /// The title of the phase in the strategy.
    pub fn title(self) -> &'static str {
        match self.0 {
            1 => "MCA v1 members",
            2 => "SCL membership",
            3 => "TeeTime players",
            4 => "Messaging contacts and consent",
            5 => "activities",
            _ => "scores and segments",
        }
    }
}

impl From<Phase> for u8 {
    fn from(phase: Phase) -> Self {
        phase.0
    }
}

impl TryFrom<u8> for Phase {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::new(number).ok_or("a phase is a number from 1 to 6")
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::str::FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().ok().and_then(Self::new).ok_or_else(|| "a phase is a number from 1 to 6".to_owned())
    }
}

impl Source {
    /// The phase that brings the people of this source.
    pub fn phase(self) -> Phase {
        Phase::new(match self {
            Self::McaZa | Self::McaUk => 1,
            Self::Scl => 2,
            Self::Teetime => 3,
            Self::Messaging => 4,
        })
        .expect("1 to 4 are phases")
    }
}
