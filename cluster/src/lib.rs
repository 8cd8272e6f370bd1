//! Event volumes of crm-backfill on DataFusion: in one process, or on a Ballista cluster.
//!
//! People stay in the memory of the program. What is a row per event (bookings and messages on the timeline, facts of the activities of
//! each profile) is read, joined and worked on by an engine with the library's own functions, and comes back in the order and the
//! batches in which the program writes it, so the datasets are the same bytes with and without an engine.

mod codec;
mod engine;
mod facts;
mod faults;
mod log;
pub mod processes;
pub mod program;
mod scan;
mod timeline;

pub use engine::{DataFusionEngine, Place};
