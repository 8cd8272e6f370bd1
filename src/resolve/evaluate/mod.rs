//! Evaluation: accuracy against a known truth, the sample for clerical review, and the strategy's rule as the baseline.

pub mod accuracy;
pub(super) mod baseline;
pub mod sample;
