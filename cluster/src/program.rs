//! The verb `crm-backfill cluster`: its arguments and what it runs.

use anyhow::Result;
use clap::{Args as _, FromArgMatches as _};
use crm_backfill::cli::{Program, Session, StepOutcome};
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::steps::{Again, consolidate, score};
use serde_json::json;
use url::Url;

use crate::processes::{SchedulerArgs, scheduler};
use crate::{DataFusionEngine, Place};

/// The command.
pub const CLUSTER: Program = Program {
    name: "cluster",
    about: "Consolidate and score with the events on DataFusion: in this process, or on a Ballista cluster",
    help: "Does the work of consolidate and score; data/crm and data/score are the same bytes, and their manifests name the engine. Bookings,\n\
           messages and the activities of profiles are read by the engine; people stay in the memory of this process. docs/scaling.md says\n\
           from which size on it pays, and how to start a cluster.\n\
           Exit 14: the engine or the cluster failed; nothing was replaced.\n\
           Examples:\n  crm-backfill cluster run --engine local --memory-limit 4GiB\n  crm-backfill cluster scheduler --port 50050\n  \
           crm-backfill-executor --scheduler 10.0.0.5:50050 --work-dir /var/tmp/executor\n  \
           crm-backfill cluster run --engine df://10.0.0.5:50050 --partitions 16",
    arguments: ClusterArgs::augment_args,
    run: |session, matches| {
        let arguments = ClusterArgs::from_arg_matches(matches);
        match arguments.map_err(|error| Fault::new(Exit::Usage, error.to_string()))?.command {
            ClusterCommand::Run(arguments) => run(session, arguments),
            ClusterCommand::Scheduler(arguments) => scheduler(arguments),
        }
    },
};

#[derive(clap::Args, Debug)]
struct ClusterArgs {
    #[command(subcommand)]
    command: ClusterCommand,
}

#[derive(clap::Subcommand, Debug)]
enum ClusterCommand {
    /// Consolidate and score with an engine for the events
    Run(RunArgs),
    /// Run the scheduler of a cluster until it is stopped
    Scheduler(SchedulerArgs),
}

#[derive(clap::Args, Debug)]
struct RunArgs {
    /// Where plans run: local, or the scheduler of a cluster as df://HOST:PORT
    #[arg(long, value_name = "ENGINE", default_value = "local")]
    engine: String,
    /// Memory of the local engine for joins, sorts and sums, such as 512MiB; the program's own people are not part of it
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = bytes)]
    memory_limit: usize,
    /// Parts that are worked on at once [default: one per core]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    partitions: Option<u16>,
    /// Also refresh the starter segments, as in crm-backfill score
    #[arg(long)]
    starter_segments: bool,
    #[command(flatten)]
    again: Again,
}

/// A size such as `4GiB`, `512MiB` or a number of bytes.
pub fn bytes(text: &str) -> Result<usize, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err("write it as 4GiB, 512MiB or a number of bytes".to_owned()),
    };
    let number: usize = number.parse().map_err(|_| "write it as 4GiB, 512MiB or a number of bytes".to_owned())?;
    number.checked_mul(factor).filter(|bytes| *bytes > 0).ok_or_else(|| "the size is not possible".to_owned())
}

/// Where the plans of an `--engine` run.
pub fn place(engine: &str, memory_limit: usize) -> Result<Place> {
    if engine == "local" {
        return Ok(Place::Local { memory_limit });
    }
    let url = Url::parse(engine).ok().filter(|url| url.scheme() == "df" && url.host().is_some() && url.port().is_some());
    let wrong = || Fault::new(Exit::Usage, "--engine names no engine").help("--engine local, or --engine df://HOST:PORT");
    Ok(Place::Cluster(url.ok_or_else(wrong)?))
}

fn run(session: &Session, arguments: RunArgs) -> Result<StepOutcome> {
    let RunArgs { engine, memory_limit, partitions, starter_segments, again } = arguments;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let engine = DataFusionEngine::new(place(&engine, memory_limit)?, partitions.map_or(cores, usize::from))?;
    let consolidated = consolidate::run_on(session, consolidate::ConsolidateArgs { again, partition: 1 }, Some(&engine))?;
    let scored = score::run_on(session, score::ScoreArgs { starter_segments, again }, Some(&engine))?;
    let text = format!("{}{}", consolidated.text, scored.text);
    let summary = json!({ "consolidate": consolidated.summary, "score": scored.summary });
    Ok(StepOutcome::new(text, summary).next("make load").fault(consolidated.fault.or(scored.fault)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!([bytes("4GiB"), bytes("512MiB"), bytes("100")], [Ok(4 << 30), Ok(512 << 20), Ok(100)]);
        for wrong in ["", "GiB", "4GB", "0", "-1", "99999999999TiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_engine_is_local_or_a_scheduler_with_its_port() {
        assert!(matches!(place("local", 1).unwrap(), Place::Local { memory_limit: 1 }));
        assert!(matches!(place("df://127.0.0.1:50050", 1).unwrap(), Place::Cluster(_)));
        for wrong in ["", "spark", "df://", "df://127.0.0.1", "http://127.0.0.1:50050"] {
            assert!(place(wrong, 1).is_err(), "{wrong}");
        }
    }
}
