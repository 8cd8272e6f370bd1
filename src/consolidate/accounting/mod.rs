//! Accounting: one outcome for every exported row, proofs over the finished rows, and counted deviations.

pub mod deviations;
pub mod ledger;
pub mod proofs;
