//! `score`: metrics, engagement, churn and segment members of every profile, at as_of.

use anyhow::Result;
use serde_json::json;

use crate::cli::{Outcome, Session};
use crate::config::ActivityScope;
use crate::fault::{Exit, Fault};
use crate::model::Phase;
use crate::progress::thousands;
use crate::score::{Options, Scoring, Summary};
use crate::steps::{nothing_to_do, unchanged};
use crate::store::{Draft, Folder, Manifest, RunLock};
use crate::tables::crm::{activities, customer_profiles, marketing_consents};
use crate::tables::score::{memberships, profiles, refreshes};

/// Arguments of `score`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Also refresh the starter segments, which load then creates in every tenant that has none of that name
    #[arg(long)]
    pub starter_segments: bool,
}

/// Batches of the timeline that are worked on at once.
const BATCHES: usize = 8;
const NEXT: &str = "make load";

/// Reads `data/crm`, writes `data/score`.
pub fn run(session: &Session, args: Args) -> Result<Outcome> {
    let _lock = RunLock::take(&session.layout, "score")?;
    let crm = Folder::open(&session.layout.crm())?;
    let phase = session.check_phase(crm.manifest.phase, crm.path())?;
    let as_of = session.check_as_of(&crm.manifest.as_of, crm.path())?;
    let starter = args.starter_segments || session.config.scores.starter_segments;

    let mut manifest = Manifest::new("score", &crm.manifest.as_of, Some(phase.number()));
    manifest.input("crm", crm.manifest.content_hash().as_bytes());
    manifest.input("settings", session.config.fingerprint().as_bytes());
    manifest.input("starter_segments", &[u8::from(starter)]);
    let target = session.layout.score();
    if let Some(done) = unchanged(&target, &manifest)? {
        return Ok(nothing_to_do("score", &done, NEXT));
    }

    let draft = Draft::create(&target, &crm.manifest.as_of)?;
    if phase >= Phase::SCORES {
        let people = crm.read_all::<customer_profiles::Table>(None)?;
        let options = options(session);
        let mut scoring = Scoring::new(as_of, &people, &options);
        let task = session.progress.task("timeline", Some(crm.rows::<activities::Table>(None)?));
        let mut timeline = crm.read::<activities::Table>(None)?;
        loop {
            let batches = timeline.by_ref().take(BATCHES).collect::<Result<Vec<_>>>()?;
            if batches.is_empty() {
                break;
            }
            scoring.add_activities(&batches);
            task.advance(batches.iter().map(|batch| crate::tables::Columns::len(batch) as u64).sum());
        }
        task.finish("");
        for batch in crm.read::<marketing_consents::Table>(None)? {
            scoring.add_consents(&[batch?]);
        }
        let (rows, summary) = scoring.finish(&people);
        if summary.strays > 0 {
            return Err(strays(&summary, &crm).into());
        }
        draft.write::<profiles::Table>(None, rows)?;
        draft.write::<memberships::Table>(None, [])?;
        draft.write::<refreshes::Table>(None, [])?;
        count(&mut manifest, &summary);
    } else {
        draft.write::<profiles::Table>(None, [])?;
        draft.write::<memberships::Table>(None, [])?;
        draft.write::<refreshes::Table>(None, [])?;
    }
    let done = draft.finish(manifest, &session.layout.previous("score"))?;
    Ok(outcome(&done.manifest))
}

fn options(session: &Session) -> Options {
    let config = &session.config;
    let regions = config.tenants.regions.iter();
    Options {
        tiers: config.scores.tiers.clone(),
        currencies: regions.map(|(tenant, region)| (tenant.clone(), region.currency.clone())).collect(),
        engaged_only: config.scores.activity_scope == ActivityScope::Engaged,
    }
}

fn strays(summary: &Summary, crm: &Folder) -> Fault {
    let what = format!("{} activities or consents belong to profiles that are not there", summary.strays);
    Fault::new(Exit::Input, what).at(crm.path().display().to_string()).help("make build")
}

/// The names under which the report finds the counts.
fn count(manifest: &mut Manifest, summary: &Summary) {
    let counts = [
        ("profiles", summary.profiles),
        ("counts_with_future", summary.counts_with_future),
        ("future_activities", summary.future_activities),
        ("scored_before_counted", summary.scored_before_counted),
        ("active_90d", summary.active_90d),
        ("outbound_only_90d", summary.outbound_only_90d),
        ("without_churn", summary.without_churn),
        ("unknown_tiers", summary.unknown_tiers),
    ];
    for (name, value) in counts {
        manifest.counts.insert(name.to_owned(), i64::try_from(value).unwrap_or(i64::MAX));
    }
}

fn outcome(manifest: &Manifest) -> Outcome {
    let line = |name: &str, what: &str| format!(" {:>12} {what}\n", thousands(manifest.count(name)));
    let text = if manifest.phase.is_some_and(|phase| phase < Phase::SCORES.number()) {
        format!(" scores and segments belong to phase {}: empty datasets were written\n", Phase::SCORES)
    } else {
        [
            line("profiles", "profiles scored; engagement ends at 80, since no source exports payments"),
            line("active_90d", "of them active in the 90 days before as_of"),
            line("outbound_only_90d", "of these only because messages were sent to them"),
            line("without_churn", "without a churn score: nothing is known of them yet"),
            line("counts_with_future", "whose counts or last activity the strategy's UPDATE would set in the future"),
        ]
        .concat()
    };
    Outcome::new(text, json!({ "phase": manifest.phase, "as_of": manifest.as_of, "counts": manifest.counts })).next(NEXT)
}
