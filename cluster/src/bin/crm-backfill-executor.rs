//! An executor of a cluster: Ballista's, with the tables and functions of crm-backfill.

use std::process::ExitCode;

use clap::Parser as _;
use crm_backfill_cluster::processes::{ExecutorArgs, executor};

fn main() -> ExitCode {
    match executor(ExecutorArgs::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error[14]: {error:#}");
            ExitCode::from(14)
        }
    }
}
