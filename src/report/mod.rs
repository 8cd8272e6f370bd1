//! The numbers of a run, the checklist, the page that shows both, and the page for review. Pure: the same numbers give the same bytes.

mod charts;
pub mod checklist;
mod deciders;
pub mod numbers;
pub mod overview;
mod page;
pub mod review;
pub mod tally;
mod template;
pub mod values;

pub use charts::{Waterfall, WaterfallStep};
pub use page::render;
