//! Differences between two runs for the same people: profiles that were split or merged, and consent that changed.

mod consent;
mod profiles;

pub use consent::ConsentTurn;
pub use profiles::{GroupChange, ProfileGroup, Regrouping};
