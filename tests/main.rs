//! One binary for all integration tests, so that they share a server and link once.

#[cfg(not(feature = "local-postgres"))]
compile_error!("the tests start a PostgreSQL of their own: run them with the default feature local-postgres");

mod support;

mod analysts;
mod cases;
mod chaos;
mod cli;
mod demo;
mod docs;
mod faults;
mod golden;
mod guarantees;
mod install;
mod interrupts;
mod living;
mod model;
mod over_time;
mod performance;
mod pg;
mod pipeline;
mod populations;
mod report;
mod resolve;
mod schemas;
mod score;
mod segment;
mod sixth_source;
mod steps;
#[cfg(feature = "local-postgres")]
mod target;
mod tidy;
#[allow(dead_code, reason = "the bench reads files, households and the demo's people too")]
mod truth;
mod words;
