//! One binary for all integration tests, so that they share a server and link once.

mod support;

#[cfg(feature = "local-postgres")]
mod audit;
#[cfg(feature = "local-postgres")]
mod cases;
mod checklist;
#[cfg(feature = "local-postgres")]
mod cli;
#[cfg(feature = "local-postgres")]
mod confirm;
#[cfg(feature = "local-postgres")]
mod connections;
#[cfg(feature = "local-postgres")]
mod consolidate;
#[cfg(feature = "local-postgres")]
mod decisions;
#[cfg(feature = "local-postgres")]
mod demo;
mod docs;
#[cfg(feature = "local-postgres")]
mod explain;
#[cfg(feature = "local-postgres")]
mod export;
#[cfg(feature = "local-postgres")]
mod faults;
mod formats;
#[cfg(feature = "local-postgres")]
mod golden;
#[cfg(feature = "local-postgres")]
mod interrupts;
#[cfg(feature = "local-postgres")]
mod load;
#[cfg(feature = "local-postgres")]
mod load_faults;
#[cfg(feature = "local-postgres")]
mod load_others;
#[cfg(feature = "local-postgres")]
mod load_over_time;
#[cfg(feature = "local-postgres")]
mod local;
#[cfg(feature = "local-postgres")]
mod over_time;
#[cfg(feature = "local-postgres")]
mod pipeline;
#[cfg(feature = "local-postgres")]
mod preflight;
mod resolve;
#[cfg(feature = "local-postgres")]
mod rollback;
mod schemas;
#[cfg(feature = "local-postgres")]
mod score;
#[cfg(feature = "local-postgres")]
mod segment;
#[cfg(feature = "local-postgres")]
mod stage;
#[cfg(feature = "local-postgres")]
mod status;
mod tidy;
#[allow(dead_code, reason = "the bench reads files, households and the demo's people too")]
mod truth;
#[cfg(feature = "local-postgres")]
mod verify;
