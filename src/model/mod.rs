//! The types of the domain, validated when they are constructed. No Arrow, files, database or clock.

pub mod association;
mod codes;
pub mod date;
mod display;
pub mod email;
pub mod escapes;
mod expectations;
pub mod handicap;
mod ids;
pub mod name;
mod national_id;
mod numbering;
mod phase;
pub mod phone;
mod position;
pub mod reason;
pub mod reference;
pub mod reviews;
mod settings;
mod sorted_ids;
mod source;
pub mod spreadsheet;
pub mod text;
mod time;
mod written;
pub mod zone;

/// The consent scope of service messages, which never drives a marketing flag.
pub const TRANSACTIONAL: &str = "transactional";

pub use codes::*;
pub use display::{counted, did_you_mean, thousands};
pub use expectations::{Expectation, ExpectationKind, ExpectedState, read_expectations};
pub use ids::{ExternalId, RecordKey, Uuid, derived_id, is_ours, profile_id, record_order, record_order_prefix};
pub use numbering::Numbering;
pub use phase::Phase;
pub use position::{ProfileIx, RecordIx};
pub use reason::{Effect, Reason, Reasons};
pub use reference::Reference;
pub use reviews::{ReviewVerdict, Reviews};
pub use settings::{BookingTypes, ContactChoice, FlagFalse, HolderReach, MissingComponent, Scope};
pub use sorted_ids::SortedIds;
pub use source::Source;
pub use time::{Day, Handicap, Timestamp};

/// A closed set of codes that is stored as text, with one spelling in Parquet, in the CRM and in documents.
pub trait Code: Copy + Eq + std::fmt::Debug + Send + Sync + 'static {
    /// Every code of the set, in the order in which documents list them.
    const ALL: &'static [Self];

    /// The stored spelling.
    fn code(self) -> &'static str;

    /// What it means, in the words of its doc comment.
    fn meaning(self) -> &'static str;

    /// The code with exactly this spelling.
    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.code() == code)
    }
}

/// Declares an enum whose variants are stored as text (see [`Code`]).
#[macro_export]
macro_rules! coded {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $doc])+ $variant),+ }

        impl $crate::model::Code for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii()),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::model::Code::code(*self))
            }
        }
    };
}
