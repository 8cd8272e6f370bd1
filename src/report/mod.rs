//! The numbers of a run, the checklist, and the page that shows both. Pure: the same numbers give the same bytes.

mod charts;
pub mod checklist;
pub mod numbers;
pub mod overview;
mod page;
pub mod tally;
pub mod values;

pub use page::render;
