//! What two runs make of the same people: profiles that split or merged, and consent that changed.

mod consent;
mod profiles;

pub use consent::ConsentTurn;
pub use profiles::{GroupChange, ProfileGroup, Regrouping};
