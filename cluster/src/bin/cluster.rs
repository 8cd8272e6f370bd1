//! `crm-backfill cluster`: the events of consolidate and score on DataFusion.

use std::process::ExitCode;

fn main() -> ExitCode {
    crm_backfill::cli::single(&crm_backfill_cluster::program::CLUSTER, option_env!("CRM_BACKFILL_COMMIT"))
}
