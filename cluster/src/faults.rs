//! Failures of an engine as faults of the program: what failed, where, and what to do; exit 14, and nothing was replaced.

use crm_backfill::fault::{Exit, Fault};
use datafusion::error::DataFusionError;

use crate::engine::Place;

/// The fault for a failure of DataFusion or of the cluster.
pub fn engine_fault(place: &Place, error: &DataFusionError) -> anyhow::Error {
    let text = error.to_string();
    let fault = match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Fault::new(Exit::Failed, "the engine needs more memory than its limit")
            .help("raise --memory-limit, or lower --partitions"),
        _ if text.contains("version mismatch") => {
            Fault::new(Exit::Failed, "client and cluster were built from different sources")
                .help("install one build everywhere: make cluster")
        }
        _ => Fault::new(Exit::Failed, "the engine failed"),
    };
    let at = match place {
        Place::Local { .. } => "the local engine".to_owned(),
        // Nothing else that a URL may hold, such as a password.
        Place::Cluster(url) => format!("df://{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or_default()),
    };
    anyhow::Error::new(fault.at(at)).context(text)
}
