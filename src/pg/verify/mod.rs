//! Verification of the CRM: the comparison of all our rows, and the checks over the CRM's own tables.

mod apart;
pub mod checks;
mod examples;
pub mod load_log;
pub mod look;
mod rows;
pub mod segment_sql;
pub mod segments;
pub mod session;
mod written;
