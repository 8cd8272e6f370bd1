//! `score`: computes metrics, engagement, churn and segment members of every profile, at as_of.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::config::ActivityScope;
use crate::fault::{Exit, Fault};
use crate::model::{MissingComponent, thousands};
use crate::model::{Phase, Timestamp};
use crate::score::{ScoreOptions, ScoreSummary, Scoring};
use crate::segment::{Definition, Members, Refresh, starter};
use crate::sources::crm::segments;
use crate::steps::binding::{self, Made};
use crate::steps::engine::{self, EventEngine, FactsJob};
use crate::steps::{Again, inputs, nothing_to_do, unchanged};
use crate::store::{Draft, Folder, Manifest, RunLock};
use crate::tables::check::departures;
use crate::tables::crm::{activities, customer_profiles, marketing_consents};
use crate::tables::score::{memberships, profiles, refreshes};
use crate::tables::{Builder as _, Columns as _, ProfileIndex, Table as _};

/// Arguments of `score`.
#[derive(clap::Args, Debug, Default)]
pub struct ScoreArgs {
    /// Also refresh the starter segments, which load creates in every tenant without a segment of that name
    #[arg(long)]
    pub starter_segments: bool,
    /// Whether to run although nothing changed.
    #[command(flatten)]
    pub again: Again,
}

/// Batches of the timeline that are processed in parallel.
const BATCHES: usize = 8;
/// Batches of profiles that are scored at once.
const AT_ONCE: usize = 4;
const NEXT: &str = "make load";
/// The fact of the manifest that holds the version of the scores.
const VERSION: &str = "score_version";
/// The count of the manifest that holds the highest possible engagement.
const ENGAGEMENT_CEILING: &str = "engagement_ceiling";
/// Highest engagement without payments, if their weight is not redistributed.
const CEILING: i64 = 80;

/// Reads `data/crm` and the segments of `data/exports/crm`, writes `data/score`.
pub fn run(session: &Session, args: ScoreArgs) -> Result<StepOutcome> {
    run_on(session, args, None)
}

/// The same with an engine for the timeline.
pub fn run_on(session: &Session, args: ScoreArgs, engine: Option<&dyn EventEngine>) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "score")?;
    binding::require(session, Made::Crm)?;
    make_on(session, args, engine)
}

/// The same for the current `data/crm`, under the caller's lock, without an engine.
pub fn make(session: &Session, args: ScoreArgs) -> Result<StepOutcome> {
    make_on(session, args, None)
}

fn make_on(session: &Session, args: ScoreArgs, engine: Option<&dyn EventEngine>) -> Result<StepOutcome> {
    let crm = Folder::open(&session.layout.crm())?;
    let phase = session.check_phase(crm.manifest.phase, crm.path())?;
    let as_of = session.check_as_of(&crm.manifest.as_of, crm.path())?;
    let asked = AskedSegments::read(session, args.starter_segments)?;

    let mut manifest = inputs::of_score(session, &crm, asked.starters.as_deref())?;
    engine::note(&mut manifest, engine);
    let target = session.layout.score();
    if let Some(done) = unchanged(session, &target, &manifest, args.again)? {
        return Ok(nothing_to_do("score", &done, NEXT));
    }

    let draft = Draft::create(&target, &crm.manifest.as_of)?;
    if phase >= Phase::SCORES {
        ScoreRun { session, as_of, crm: &crm, engine }.compute(asked, &draft, &mut manifest)?;
    } else {
        draft.write::<profiles::Table>(None, [])?;
        draft.write::<memberships::Table>(None, [])?;
        draft.write::<refreshes::Table>(None, [])?;
    }
    let done = draft.finish(manifest, &session.layout.previous("score"))?;
    Ok(outcome(&done.manifest))
}

/// The segments to refresh.
struct AskedSegments {
    definitions: Vec<Definition>,
    /// The text of the starter set, if it is requested.
    starters: Option<String>,
}

impl AskedSegments {
    fn read(session: &Session, with_starters: bool) -> Result<Self> {
        let mut definitions = Vec::new();
        if let Some(folder) = Folder::find(&session.layout.exports_crm())? {
            for batch in folder.read::<segments::Table>(None)? {
                definitions.extend(batch?.rows().map(definition));
            }
        }
        let starters = inputs::starters(session, with_starters)?;
        Ok(Self { definitions, starters })
    }
}

fn definition(row: segments::Row<'_>) -> Definition {
    Definition {
        id: row.id.to_owned(),
        tenant_id: row.tenant_id.to_owned(),
        club_id: row.club_id.map(str::to_owned),
        name: row.name.to_owned(),
        criteria: row.criteria.map(str::to_owned),
        combinator: row.combinator.map(str::to_owned),
        is_refreshed: row.segment_type == "DYNAMIC" && row.is_active && row.deleted_at.is_none(),
        is_new: false,
    }
}

/// What the scores are made of.
struct ScoreRun<'a> {
    session: &'a Session,
    as_of: Timestamp,
    crm: &'a Folder,
    engine: Option<&'a dyn EventEngine>,
}

impl ScoreRun<'_> {
    fn compute(&self, asked: AskedSegments, draft: &Draft, manifest: &mut Manifest) -> Result<()> {
        let Self { session, as_of, crm, .. } = *self;
        let (index, tenants) = profiles_and_tenants(crm)?;
        let options = options(session);
        manifest.facts.insert(VERSION.to_owned(), options.version());
        let ceiling = if options.missing == MissingComponent::Zero { CEILING } else { 100 };
        manifest.counts.insert(ENGAGEMENT_CEILING.to_owned(), ceiling);
        let mut scoring = Scoring::of(as_of, index, &options);
        let mut definitions = asked.definitions;
        if let Some(text) = asked.starters {
            let proposed = starter::starters(&text, &tenants, &definitions);
            definitions
                .extend(proposed.map_err(|what| Fault::new(Exit::Usage, what).at("data/reference/starter_segments.json"))?);
        }
        let mut refresh = Refresh::new(definitions, as_of, |tenant| zone(session, tenant), scoring.index().len());
        self.read_timeline(draft, &options, &mut scoring, &mut refresh)?;
        if scoring.counts().strays > 0 {
            return Err(strays(&scoring.counts(), crm).into());
        }
        let (members, summary) = score_profiles(crm, draft, &scoring, &refresh)?;
        count(manifest, &summary);
        write_segments(session, draft, manifest, &scoring, &refresh, &members)
    }

    /// Collects what scores and segments need from activities and consents.
    fn read_timeline(&self, draft: &Draft, options: &ScoreOptions, scoring: &mut Scoring, refresh: &mut Refresh) -> Result<()> {
        let Self { session, as_of, crm, engine } = *self;
        if let Some(engine) = engine {
            let task = session.progress.task("facts", None);
            for part in engine.facts(FactsJob { crm, as_of, options, scratch: draft.path() })? {
                let part = part?;
                task.advance(part.len() as u64);
                part.iter().for_each(|(customer_id, gathered)| scoring.add_gathered(customer_id, gathered));
            }
            task.finish("");
        }
        // Rules of segments look at single activities, which no engine gathers.
        if engine.is_none() || refresh.reads_timeline() {
            let task = session.progress.task("timeline", Some(crm.rows::<activities::Table>(None)?));
            let mut timeline = crm.read::<activities::Table>(None)?;
            loop {
                let batches = timeline.by_ref().take(BATCHES).collect::<Result<Vec<_>>>()?;
                if batches.is_empty() {
                    break;
                }
                refresh.add_activities(&batches, scoring.index());
                if engine.is_none() {
                    scoring.add_activities(&batches);
                }
                task.advance(batches.iter().map(|batch| batch.len() as u64).sum());
            }
            task.finish("");
        }
        for batch in crm.read::<marketing_consents::Table>(None)? {
            scoring.add_consents(&[batch?]);
        }
        Ok(())
    }
}

/// Writes the scores; returns the profiles of each segment, and the counts.
fn score_profiles(crm: &Folder, draft: &Draft, scoring: &Scoring, refresh: &Refresh) -> Result<(Members, ScoreSummary)> {
    let mut summary = scoring.counts();
    let mut members = Members::default();
    let mut writer = draft.writer::<profiles::Table>(None)?;
    let mut people = crm.read::<customer_profiles::Table>(None)?;
    let mut first = 0;
    loop {
        let batches = people.by_ref().take(AT_ONCE).collect::<Result<Vec<_>>>()?;
        if batches.is_empty() {
            break;
        }
        let (rows, counts) = scoring.score_all(first, &batches);
        first += batches.iter().map(|batch| batch.len()).sum::<usize>();
        summary = summary.plus(counts);
        let scores = rows.iter().map(profiles::Table::columns).collect::<Result<Vec<_>, _>>()?;
        refresh.add_members(&batches, &scores, &mut members);
        rows.into_iter().try_for_each(|batch| writer.write(batch))?;
    }
    draft.close(None, writer)?;
    Ok((members, summary))
}

/// Writes the members of the segments and the result of each refresh.
fn write_segments(
    session: &Session,
    draft: &Draft,
    manifest: &mut Manifest,
    scoring: &Scoring,
    refresh: &Refresh,
    members: &Members,
) -> Result<()> {
    let task = session.progress.task("segment members", None);
    let mut writer = draft.writer::<memberships::Table>(None)?;
    refresh.memberships(members, scoring.index(), |batch| {
        task.advance(batch.num_rows() as u64);
        writer.write(batch)
    })?;
    let member_count = draft.close(None, writer)?;
    task.finish("");
    let refreshed = refresh.refreshes(members);
    let errors = refreshes::Table::columns(&refreshed)?;
    for row in errors.rows() {
        if let Some(error) = row.error {
            session.progress.warn(format!("segment {} {:?}: {error}", row.segment_id, row.name));
        }
    }
    let failed = errors.rows().filter(|row| row.error.is_some()).count();
    for (name, value) in
        [("segments", errors.len() as u64), ("segments_failed", failed as u64), ("segment_members", member_count)]
    {
        manifest.counts.insert(name.to_owned(), i64::try_from(value).expect("counts fit in 63 bits"));
    }
    draft.write::<refreshes::Table>(None, [refreshed])?;
    Ok(())
}

/// The profiles by number, and the tenants that have some, in order.
fn profiles_and_tenants(crm: &Folder) -> Result<(ProfileIndex, Vec<String>)> {
    let rows = crm.rows::<customer_profiles::Table>(None)?;
    let mut index = ProfileIndex::with_room(usize::try_from(rows).unwrap_or(0));
    let mut tenants: BTreeSet<String> = BTreeSet::new();
    for batch in crm.read::<customer_profiles::Table>(None)? {
        let batch = batch?;
        index.add(&batch);
        for row in 0..batch.len() {
            if !tenants.contains(batch.tenant_id(row)) {
                tenants.insert(batch.tenant_id(row).to_owned());
            }
        }
    }
    Ok((index, tenants.into_iter().collect()))
}

/// The time zone of a tenant; UTC if the settings have none.
pub(super) fn zone(session: &Session, tenant: &str) -> chrono_tz::Tz {
    let region = session.config.tenants.regions.get(tenant);
    region.and_then(|region| region.timezone.parse().ok()).unwrap_or(chrono_tz::UTC)
}

fn options(session: &Session) -> ScoreOptions {
    let config = &session.config;
    let regions = config.tenants.regions.iter();
    ScoreOptions {
        tiers: config.scores.tiers.clone(),
        currencies: regions.map(|(tenant, region)| (tenant.clone(), region.currency.clone())).collect(),
        engaged_only: config.scores.activity_scope == ActivityScope::Engaged,
        missing: config.scores.missing,
    }
}

fn strays(summary: &ScoreSummary, crm: &Folder) -> Fault {
    let what = format!("{} activities or consents belong to profiles that do not exist", summary.strays);
    Fault::new(Exit::Input, what).at(crm.path().display().to_string()).help("make consolidate")
}

/// Counts of the deviations of this step, by their headings in docs/deviations.md; from the manifest of `data/score`.
pub(super) fn departures(manifest: &Manifest) -> Result<departures::Columns> {
    let counts = [
        ("activity-scope", "outbound_only_90d"),
        ("metrics-before-scores", "scored_before_counted"),
        ("metrics-up-to-as-of", "counts_with_future"),
    ];
    let mut rows = departures::Builder::new(counts.len());
    for (departure, count) in counts {
        rows.push(departures::Row { departure, row_count: manifest.count(count) });
    }
    Ok(departures::Table::columns(&rows.finish())?)
}

/// Writes the counts for the report into the manifest.
fn count(manifest: &mut Manifest, summary: &ScoreSummary) {
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
        manifest.counts.insert(name.to_owned(), i64::try_from(value).expect("counts fit in 63 bits"));
    }
}

fn outcome(manifest: &Manifest) -> StepOutcome {
    let line = |name: &str, what: &str| format!(" {:>12} {what}\n", thousands(manifest.count(name)));
    let text = if manifest.phase.is_some_and(|phase| phase < Phase::SCORES.number()) {
        format!(" scores and segments belong to phase {}: empty datasets were written\n", Phase::SCORES)
    } else {
        [
            line("profiles", &format!("profiles scored. {}", in_words(manifest))),
            line("active_90d", "of them active in the 90 days before as_of"),
            line("outbound_only_90d", "of these only because messages were sent to them"),
            line("without_churn", "without a churn score: no facts yet"),
            line("segments", "segments refreshed"),
            line("segments_failed", "of them failed and keep their members"),
            line("segment_members", "members by rule"),
            line("counts_with_future", "whose counts or last activity the strategy's UPDATE would take from the future"),
        ]
        .concat()
    };
    let summary = json!({ "phase": manifest.phase, "as_of": manifest.as_of, "counts": manifest.counts, "facts": manifest.facts });
    StepOutcome::new(text, summary).next(NEXT)
}

/// The version of the scores and the highest engagement, in words; empty before phase 6.
pub(super) fn in_words(manifest: &Manifest) -> String {
    let Some(version) = manifest.facts.get(VERSION) else { return String::new() };
    let ceiling = manifest.count(ENGAGEMENT_CEILING);
    let why = if ceiling == CEILING { ", because no source exports payments" } else { "; components without data are left out" };
    format!("Version {version}: engagement is at most {ceiling}{why}")
}
