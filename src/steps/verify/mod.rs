//! `verify`: compares the CRM with exports, ledger and datasets, check by check, in one read-only snapshot.

mod crm;
mod folders;
mod preflight;
mod results;
mod segments;
mod spot;
mod target;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::pg::verify::checks::CHECKS;
use crate::prove::expectations::EXPECTATIONS;
use crate::steps::binding::{self, Made};
use crate::store::{Draft, Folder, Manifest, RunLock};

pub use results::{CheckState, Results};

/// Arguments of `verify`; `--phase 0` is the preflight.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// Fail for a check with nothing to compare, too
    #[arg(long)]
    pub strict: bool,
    /// Show, masked, five links of every rule, the nearest pairs that were not linked, and the largest cluster
    #[arg(long)]
    pub spot_check: bool,
    /// Print the strategy's queries with all their columns, personal values included; these are not saved
    #[arg(long)]
    pub show: bool,
}

/// The file next to `check__results` with the strategy's queries and their results.
pub const QUALITY_FILE: &str = "quality.json";

/// Runs every check of the phase, writes `data/verify`.
pub fn run(session: &Session, args: VerifyArgs) -> Result<StepOutcome> {
    if session.is_preflight {
        return preflight::run(session, args.strict);
    }
    let _lock = RunLock::take(&session.layout, "verify")?;
    binding::require(session, Made::Score)?;
    let folders = folders::Folders::open(session)?;
    let crm = crate::steps::database(session, "CRM_DATABASE_URL")?;
    let phase = folders.phase.number();
    let found = crm::ask(session, &folders, &crm)?;
    let place = found.place;
    let mut answered = found.answers;
    answered.push(folders.estimates(session));
    answered.extend(folders.proofs()?);
    let revealed: Vec<_> = if args.show {
        let tables = found.tables.iter().cloned();
        tables.map(|(quality, columns, rows)| results::revealed(quality, columns, rows)).collect()
    } else {
        Vec::new()
    };
    let answers: Vec<_> =
        found.tables.into_iter().map(|(quality, columns, rows)| results::answer(quality, columns, rows)).collect();
    let mut results = Results::new(phase);
    for check in CHECKS.iter().filter(|check| check.from <= phase) {
        let of_check = answered.iter().filter(|answered| answered.check == check.name);
        // Without a file of the owner there is no such check, not an empty one.
        if check.name == EXPECTATIONS && of_check.clone().next().is_none() {
            continue;
        }
        let taken = of_check.clone().map(|answered| answered.taken).sum();
        results.enter(check, of_check.flat_map(|answered| answered.findings.clone()).collect(), taken);
    }

    let as_of = folders.as_of.to_string();
    let mut manifest = Manifest::new("verify", &as_of, Some(phase));
    manifest.input("crm", folders.crm.manifest.content_hash().as_bytes());
    manifest.input("score", folders.score.manifest.content_hash().as_bytes());
    manifest.facts.insert("place".to_owned(), place.clone());
    for (state, count) in results.counts() {
        manifest.counts.insert(state.to_lowercase(), count);
    }
    let draft = Draft::create(&session.layout.verify(), &as_of)?;
    let preflight = Folder::find_readable(&session.layout.verify());
    results.write(&draft, preflight.as_ref())?;
    draft.write_file(QUALITY_FILE, &serde_json::to_vec_pretty(&answers)?)?;
    draft.finish(manifest, &session.layout.previous("verify"))?;

    let summary = json!({ "phase": phase, "place": place, "counts": results.counts(), "differing": results.differing() });
    let fault = results.fault(args.strict);
    let mut text = results.text(if args.show { &revealed } else { &answers });
    if session.verbose > 0 || args.spot_check {
        text += &spot::spot_check(&folders)?;
    }
    Ok(StepOutcome::new(text, summary).fault(fault).next("make report"))
}

/// The error of a verification that found differences.
fn mismatch(what: String, names: &[String]) -> Fault {
    let mut fault = Fault::new(Exit::Mismatch, what).at("the CRM, compared with data/crm and data/score");
    for name in names.iter().take(5) {
        fault = fault.help(format!("sql/verify: {name}"));
    }
    fault.help("what each check compares: docs/checks.md; to undo the load: make rollback")
}
