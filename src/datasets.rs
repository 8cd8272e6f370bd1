//! The registry of all datasets, in the order in which the steps write them.

use crate::sources;
use crate::tables::{Dataset, check, crm, resolution, score, stage};

/// Every dataset.
pub fn all() -> Vec<Dataset> {
    let mut datasets = sources::datasets();
    datasets.extend(stage::datasets());
    datasets.extend(resolution::datasets());
    datasets.extend(crm::datasets());
    datasets.extend(score::datasets());
    datasets.extend(check::datasets());
    datasets
}
