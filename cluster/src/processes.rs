//! The processes of a cluster: Ballista's scheduler and executors, with our tables and functions.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use crm_backfill::cli::StepOutcome;
use crm_backfill::fault::{Exit, Fault};
use serde_json::json;

use crate::codec::{PlanCodec, StageCodec};
use crate::log;
use crate::program::bytes;

/// Seconds between two signs of life of an executor.
const HEARTBEAT: u64 = 2;
/// Seconds without one after which its tasks are given to others.
const TIMEOUT: u64 = 10;

/// Arguments of `cluster scheduler`.
#[derive(clap::Args, Debug)]
pub struct SchedulerArgs {
    /// The name or IP address that executors and clients reach it by
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// The port
    #[arg(long, value_name = "PORT", default_value_t = 50050)]
    port: u16,
}

/// Runs a scheduler until the process is stopped.
pub fn scheduler(arguments: SchedulerArgs) -> Result<StepOutcome> {
    let SchedulerArgs { host, port } = arguments;
    let address = format!("{host}:{port}");
    let socket = address.parse().map_err(|_| {
        Fault::new(Exit::Usage, format!("{address:?} is not an IP address with a port")).help("--host 10.0.0.5 --port 50050")
    })?;
    let config = SchedulerConfig {
        external_host: host.clone(),
        bind_host: host,
        bind_port: port,
        executor_timeout_seconds: TIMEOUT,
        expire_dead_executor_interval_seconds: HEARTBEAT,
        no_executors_grace_period_seconds: TIMEOUT,
        override_logical_codec: Some(Arc::new(PlanCodec::default())),
        override_physical_codec: Some(Arc::new(StageCodec::default())),
        ..SchedulerConfig::default()
    };
    log::to_stderr();
    // Plans are decoded recursively.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(32 << 20).build()?;
    let served = runtime.block_on(async {
        let cluster = BallistaCluster::new_from_config(&config).await?;
        start_server(cluster, socket, Arc::new(config)).await
    });
    served.map_err(|error| stopped("the scheduler", &address, &error.to_string()))?;
    Ok(StepOutcome::new("the scheduler has stopped\n", json!({})))
}

/// Arguments of `crm-backfill-executor`.
#[derive(clap::Parser, Debug)]
#[command(name = "crm-backfill-executor", version, about = "Work for a cluster of crm-backfill until it is stopped")]
pub struct ExecutorArgs {
    /// The scheduler, as HOST:PORT
    #[arg(long, value_name = "HOST:PORT")]
    scheduler: String,
    /// The IP address that other executors and clients reach it by
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// The port for results
    #[arg(long, value_name = "PORT", default_value_t = 50051)]
    port: u16,
    /// The port for tasks
    #[arg(long, value_name = "PORT", default_value_t = 50052)]
    task_port: u16,
    /// The folder for results on their way to others, which hold personal data: a private one, removed from time to time
    #[arg(long, value_name = "DIR")]
    work_dir: PathBuf,
    /// Memory for joins, sorts and sums, such as 4GiB
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = bytes)]
    memory_limit: usize,
    /// Tasks that are worked on at once [default: one per core]
    #[arg(long, value_name = "NUMBER")]
    cores: Option<u16>,
}

/// Runs an executor until the process is stopped.
pub fn executor(arguments: ExecutorArgs) -> Result<()> {
    let ExecutorArgs { scheduler, host, port, task_port, work_dir, memory_limit, cores } = arguments;
    let wrong = || anyhow!("{scheduler:?} is not a scheduler; write it as HOST:PORT");
    let (scheduler_host, scheduler_port) = scheduler.rsplit_once(':').ok_or_else(wrong)?;
    log::to_stderr();
    // Its files are its owner's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    std::fs::create_dir_all(&work_dir)?;
    let config = ExecutorProcessConfig {
        bind_host: host.clone(),
        external_host: Some(host),
        port,
        grpc_port: task_port,
        scheduler_host: scheduler_host.to_owned(),
        scheduler_port: scheduler_port.parse().map_err(|_| wrong())?,
        scheduler_connect_timeout_seconds: 30,
        vcores: cores.map_or(0, usize::from),
        work_dir: Some(work_dir.display().to_string()),
        executor_heartbeat_interval_seconds: HEARTBEAT,
        job_data_ttl_seconds: 3600,
        job_data_clean_up_interval_seconds: 600,
        memory_pool_size: Some(memory_limit as u64),
        override_logical_codec: Some(Arc::new(PlanCodec::default())),
        override_physical_codec: Some(Arc::new(StageCodec::default())),
        ..ExecutorProcessConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(32 << 20).build()?;
    runtime.block_on(start_executor_process(Arc::new(config))).map_err(|error| anyhow!("{error}"))
}

fn stopped(what: &str, address: &str, reason: &str) -> anyhow::Error {
    Fault::new(Exit::Failed, format!("{what} stopped: {reason}")).at(address.to_owned()).into()
}
