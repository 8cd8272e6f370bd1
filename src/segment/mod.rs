//! Segments: evaluation of their rules over files, and the starter set; pure.

mod check;
mod evaluate;
mod refresh;
pub mod starter;
mod tally;

pub use evaluate::{Around, View, evaluate};
pub use refresh::{Definition, Members, Refresh};
pub use tally::Tallies;
