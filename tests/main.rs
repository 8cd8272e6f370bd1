//! One binary for all integration tests, so that they share a server and link once.

#[cfg(not(feature = "local-postgres"))]
compile_error!("the tests start a PostgreSQL of their own: run them with the default feature local-postgres");

mod support;

mod analysts;
mod audit;
mod cases;
mod chaos;
mod checklist;
mod cli;
mod compare;
mod confirm;
mod connections;
mod consolidate;
mod decisions;
mod demo;
mod docs;
mod evidence;
mod expectations;
mod explain;
mod export;
mod faults;
mod formats;
mod golden;
mod guarantees;
mod help;
mod inspect;
mod install;
mod interrupts;
mod living;
mod load;
mod load_delta;
mod load_faults;
mod load_others;
mod load_over_time;
mod local;
mod over_time;
mod pages;
mod performance;
mod pipeline;
mod populations;
mod preflight;
mod resolve;
mod rollback;
mod schemas;
mod score;
mod segment;
mod stage;
mod status;
#[cfg(feature = "local-postgres")]
mod target;
mod tidy;
#[allow(dead_code, reason = "the bench reads files, households and the demo's people too")]
mod truth;
mod verify;
mod words;
