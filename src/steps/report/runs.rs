//! The last run of each step, from the run records.

use anyhow::Result;

use crate::model::Timestamp;
use crate::report::numbers::ReportStep;
use crate::store::{Layout, all_run_records};

/// Longer gaps between steps are shortened to this, so that steps of different days fit on one chart.
const LONGEST_GAP_MS: i64 = 2_000;

/// The steps of a migration; read-only commands are left out.
const PIPELINE: [&str; 8] = ["export-", "stage", "resolve", "consolidate", "score", "load", "verify", "rollback"];

/// The last run of each step, in the order in which they ran.
pub fn last_steps(layout: &Layout) -> Result<Vec<ReportStep>> {
    let mut last: Vec<(i64, ReportStep)> = Vec::new();
    for record in all_run_records(layout)? {
        let (Some(step), Some(started)) =
            (record["step"].as_str(), record["started_at"].as_str().and_then(Timestamp::parse).map(|at| at.0 / 1000))
        else {
            continue;
        };
        let is_dry_run = record["result"]["dry_run"] == true;
        if !PIPELINE.iter().any(|pattern| step.starts_with(pattern)) || is_dry_run || record["result"]["unchanged"] == true {
            continue;
        }
        let taken_ms = (record["seconds"].as_f64().unwrap_or(0.0) * 1000.0) as i64;
        let peak_mib = record["peak_memory_kib"].as_i64().unwrap_or(0) / 1024;
        let exit = record["exit"].as_i64().unwrap_or(0);
        last.retain(|(_, held)| held.step != step);
        last.push((started, ReportStep { step: step.to_owned(), start_ms: 0, taken_ms, peak_mib, exit }));
    }
    last.sort_by_key(|(started, _)| *started);
    let (mut clock, mut end) = (0, None::<i64>);
    let mut steps = Vec::new();
    for (started, mut step) in last {
        clock += end.map_or(0, |end| (started - end).clamp(0, LONGEST_GAP_MS));
        step.start_ms = clock;
        clock += step.taken_ms;
        end = Some(started + step.taken_ms);
        steps.push(step);
    }
    Ok(steps)
}
