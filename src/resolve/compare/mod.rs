//! Comparison: the comparison levels of two records and their match weights.

pub(super) mod alike;
pub(super) mod birth_date;
pub(super) mod contact_counts;
pub(super) mod edge;
pub(super) mod email_local_part;
pub(super) mod key_frequency;
pub(super) mod nameless;
pub(super) mod names;
pub(super) mod nicknames;
pub(super) mod numbers;
pub(super) mod score;
pub(super) mod spelling;
pub(super) mod weight;
pub(super) mod weights;
