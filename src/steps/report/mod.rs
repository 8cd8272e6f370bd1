//! `report`: counts the results in the data folder, and writes one page and its numbers.

mod changes;
mod compare;
mod explained;
mod origin;
mod queries;
mod runs;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::model::{Code, Effect, Phase, Source, Timestamp, thousands};
use crate::report::checklist::checklist;
use crate::report::numbers::{Counted, GoLiveVerdict, LeftSegment, Numbers, ReportAnswer, ReportManifest, ReportSegment, Tile};
use crate::report::{render, tally::ReportTally};
use crate::sources::{self, crm::segments as crm_segments};
use crate::steps::binding::{self, Made};
use crate::steps::checklist::facts;
use crate::steps::verify::QUALITY_FILE;
use crate::store::{Draft, Folder, Manifest, RunLock, read_json};
use crate::tables::{check, crm, resolution, score, stage};

/// Arguments of `report`.
#[derive(clap::Args, Debug)]
pub struct ReportArgs {
    /// Leave out the table of cleaned, defaulted and rejected values
    #[arg(long)]
    pub brief: bool,
}

/// Writes `data/report`.
pub fn run(session: &Session, args: ReportArgs) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "report")?;
    binding::require(session, Made::Score)?;
    let layout = &session.layout;
    let built = Folder::open(&layout.crm())?;
    let phase = session.check_phase(built.manifest.phase, built.path())?;
    let as_of = session.check_as_of(&built.manifest.as_of, built.path())?;
    let staged = Folder::open(&layout.stage())?;
    let resolved = Folder::open(&layout.resolve())?;
    let scored = Folder::open(&layout.score())?;

    let task = session.progress.task("counting", None);
    let mut numbers = count(session, phase, as_of, [&staged, &resolved, &built, &scored])?;
    task.finish("");
    let facts = facts(session)?;
    let verified = Folder::find(&layout.verify())?;
    let is_current = verified.as_ref().is_some_and(|folder| {
        folder.manifest.inputs.get("crm") == Some(&crate::store::hash_bytes(built.manifest.content_hash().as_bytes()))
    });
    numbers.phase = phase.number();
    numbers.phase_title = phase.title().to_owned();
    numbers.checks = facts.checks.clone();
    numbers.quality = quality(verified.as_ref())?;
    numbers.checklist = checklist(&facts);
    numbers.segments = segments(&scored, Folder::find_readable(&layout.previous("score")).as_ref())?;
    if phase >= Phase::SCORES {
        numbers.segments_left = segments_left(Folder::find(&layout.exports_crm())?.as_ref())?;
    }
    numbers.scores = crate::steps::score::in_words(&scored.manifest);
    let changes = changes::since_last_run(session, [&built, &resolved])?;
    (numbers.changes, numbers.changed_ids, numbers.run_before) = (changes.counts, changes.ids, changes.before);
    numbers.explained = explained::pairs(session, &resolved)?;
    numbers.origin = origin::of(session, verified.as_ref())?;
    numbers.comparison = compare::methods(layout, &resolved)?;
    numbers.steps = runs::last_steps(layout)?;
    numbers.queries = queries::queries(layout.root());
    numbers.manifests = origins(session, phase)?;
    numbers.verdict = verdict(&numbers, is_current);

    let mut manifest = Manifest::new("report", &built.manifest.as_of, Some(phase.number()));
    manifest.input("crm", built.manifest.content_hash().as_bytes());
    let draft = Draft::create(&layout.report(), &built.manifest.as_of)?;
    draft.write_file("index.html", render(&numbers)?.as_bytes())?;
    let mut data = serde_json::to_vec_pretty(&numbers)?;
    data.push(b'\n');
    draft.write_file("report.json", &data)?;
    draft.finish(manifest, &layout.previous("report"))?;

    if !args.brief {
        session.progress.line(&numbers.values.text(false));
    }
    let page = layout.report().join("index.html");
    let text = format!(" {}\n report   {}\n", numbers.verdict.sentence, page.display());
    let summary = json!({ "phase": phase.number(), "page": page.display().to_string(), "verdict": numbers.verdict.state });
    Ok(StepOutcome::new(text, summary).next("make checklist"))
}

fn count(session: &Session, phase: Phase, as_of: Timestamp, folders: [&Folder; 4]) -> Result<Numbers> {
    let [staged, resolved, built, scored] = folders;
    let mut tally = ReportTally::default();
    let whole = |rows: u64| i64::try_from(rows).expect("counts fit in 63 bits");
    for source in phase.sources() {
        let exported = Folder::open(&session.layout.exports(source))?;
        let expected = session.config.expect.get(source.code());
        for export in sources::exports(source) {
            let rows =
                exported.manifest.files.get(&format!("raw_{source}__{}.parquet", export.entity)).map_or(0, |entry| entry.rows);
            let estimate = expected.and_then(|expected| expected.get(export.entity)).copied().map(whole);
            tally.rows.exported(source, export.entity, whole(rows), estimate);
        }
        for columns in staged.read::<stage::people::Table>(Some(source))? {
            tally.values.staged(source, &columns?);
        }
    }
    // Every dataset is read once; datasets that the phase does not have yet are empty files.
    macro_rules! each {
        ($folder:expr, $table:ty, $columns:ident => $count:expr) => {
            for batch in $folder.read::<$table>(None)? {
                let $columns = &batch?;
                $count;
            }
        };
    }
    each!(built, check::ledger::Table, columns => tally.rows.ledger(columns));
    each!(resolved, resolution::links::Table, columns => tally.identity.links(columns));
    each!(resolved, resolution::candidates::Table, columns => tally.identity.candidates(columns));
    each!(resolved, resolution::hubs::Table, columns => tally.identity.hubs(columns));
    each!(staged, check::findings::Table, columns => tally.values.findings(columns));
    each!(staged, check::rejects::Table, columns => tally.values.rejects(columns));
    each!(built, crm::customer_profiles::Table, columns => tally.consent.profiles(columns));
    each!(built, crm::marketing_consents::Table, columns => tally.consent.consents(columns));
    each!(built, crm::suppressions::Table, columns => tally.consent.suppressions(columns));
    each!(built, check::manual_review::Table, columns => tally.consent.manual_review(columns));
    each!(built, crm::activities::Table, columns => tally.timeline.activities(columns, as_of));
    each!(built, check::departures::Table, columns => tally.departures(columns));
    tally.departures(&crate::steps::score::departures(&scored.manifest)?);
    each!(scored, score::profiles::Table, columns => tally.scores.scores(columns));
    let mut numbers = tally.finish(as_of);
    numbers.identity.queued = whole(built.rows::<crm::duplicate_candidates::Table>(None)?);
    Ok(numbers)
}

fn quality(verified: Option<&Folder>) -> Result<Vec<ReportAnswer>> {
    let Some(folder) = verified else { return Ok(Vec::new()) };
    let held = read_json(&folder.path().join(QUALITY_FILE))?;
    Ok(held.map(serde_json::from_value).transpose()?.unwrap_or_default())
}

fn segments(scored: &Folder, former: Option<&Folder>) -> Result<Vec<ReportSegment>> {
    let mut before = std::collections::BTreeMap::new();
    if let Some(folder) = former {
        for columns in folder.read::<score::refreshes::Table>(None)? {
            before.extend(columns?.rows().map(|row| (row.segment_id.to_owned(), i64::from(row.rule_member_count))));
        }
    }
    let mut segments = Vec::new();
    for columns in scored.read::<score::refreshes::Table>(None)? {
        segments.extend(columns?.rows().map(|row| ReportSegment {
            name: row.name.to_owned(),
            tenant: row.tenant_id.to_owned(),
            members: i64::from(row.rule_member_count),
            before: before.get(row.segment_id).copied(),
            error: row.error.map(str::to_owned),
            doubt: row.lint.map(str::to_owned),
        }));
    }
    segments.sort_by(|a, b| (&a.tenant, &a.name).cmp(&(&b.tenant, &b.name)));
    Ok(segments)
}

/// The segments of the CRM that only the CRM changes.
fn segments_left(crm: Option<&Folder>) -> Result<Vec<LeftSegment>> {
    let mut left = Vec::new();
    let Some(folder) = crm else { return Ok(left) };
    for columns in folder.read::<crm_segments::Table>(None)? {
        left.extend(columns?.rows().filter_map(|row| {
            let why = match (row.deleted_at, row.is_active, row.segment_type) {
                (Some(_), ..) => "deleted in the CRM".to_owned(),
                (None, _, kind) if kind != "DYNAMIC" => format!("of the type {kind}, so its members are a list and not a rule"),
                (None, false, _) => "not active".to_owned(),
                (None, true, _) => return None,
            };
            Some(LeftSegment { name: row.name.to_owned(), tenant: row.tenant_id.to_owned(), why })
        }));
    }
    left.sort_by(|a, b| (&a.tenant, &a.name).cmp(&(&b.tenant, &b.name)));
    Ok(left)
}

fn origins(session: &Session, phase: Phase) -> Result<Vec<ReportManifest>> {
    let layout = &session.layout;
    let mut folders: Vec<_> = phase.sources().map(|source: Source| layout.exports(source)).collect();
    folders.extend([layout.exports_crm(), layout.stage(), layout.resolve(), layout.crm(), layout.score(), layout.verify()]);
    let mut origins = Vec::new();
    for path in folders {
        let Some(folder) = Folder::find(&path)? else { continue };
        let files = folder.manifest.files.values();
        let whole = |number: u64| i64::try_from(number).expect("counts fit in 63 bits");
        origins.push(ReportManifest {
            folder: path.strip_prefix(layout.root()).unwrap_or(&path).display().to_string(),
            files: whole(files.len() as u64),
            rows: whole(files.clone().map(|file| file.rows).sum()),
            bytes: whole(files.map(|file| file.bytes).sum()),
            hash: folder.manifest.content_hash().chars().take(16).collect(),
        });
    }
    Ok(origins)
}

fn verdict(numbers: &Numbers, is_current: bool) -> GoLiveVerdict {
    let failed = numbers.checks.iter().filter(|check| check.state == "FAILED").count();
    let open = numbers.checklist.iter().filter(|line| !line.missing.is_empty()).count();
    let unbalanced = numbers.entities.iter().filter(|entity| !entity.balances()).count();
    let of = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let (state, sentence) = if unbalanced > 0 {
        ("bad", format!("No: the ledger does not balance for {}.", of(unbalanced, "entity", "entities")))
    } else if numbers.checks.is_empty() {
        ("unknown", "Not yet: nothing was verified. Load, then run make verify.".to_owned())
    } else if !is_current {
        ("unknown", "Not yet: the datasets changed since the last verification. Load, then run make verify.".to_owned())
    } else if failed > 0 {
        let failed = of(failed, "comparison with the CRM", "comparisons with the CRM");
        ("bad", format!("No: {failed} failed, listed under the checklist."))
    } else if open > 0 {
        let open = of(open, "line of the checklist is", "lines of the checklist are");
        ("person", format!("Not yet: {open} open. What is loaded is verified."))
    } else {
        ("good", "Yes: no check failed, and every line of the checklist is closed.".to_owned())
    };
    GoLiveVerdict { state: state.to_owned(), sentence, tiles: tiles(numbers) }
}

fn tiles(numbers: &Numbers) -> Vec<Tile> {
    let change = |name: &str| {
        numbers
            .changes
            .iter()
            .find(|change| change.name == name)
            .and_then(|change| change.before.map(|before| change.now - before))
    };
    let tile = |query: &str, name: &str, count: i64, note: String| Tile {
        query: query.to_owned(),
        name: name.to_owned(),
        count,
        delta: change(name),
        note,
    };
    let sum = |of: fn(&crate::report::numbers::ReportEntity) -> i64| numbers.entities.iter().map(of).sum::<i64>();
    let profiles = numbers.six.first().map_or(0, |total| total.count);
    let records: i64 = numbers.people.iter().map(|people| people.records).sum();
    let activities: i64 = numbers.timeline.types.iter().map(|kind| kind.count).sum();
    let review: i64 = numbers.identity.refusals.iter().map(|refusal| refusal.count).sum();
    let queued = format!("not linked; the CRM's review queue has {} pairs of profiles", thousands(numbers.identity.queued));
    let in_queue = match review - numbers.identity.filed {
        0 => queued,
        rest => format!("{queued}; {} pairs are beyond its limit", thousands(rest)),
    };
    let rejected = numbers.values.effects.iter().find(|effect| effect.effect == Effect::Rejected.code());
    let rejected = thousands(rejected.map_or(0, |effect| effect.total));
    let rejected_values = format!("left out; besides, {rejected} values (section 8)");
    let all =
        |counts: &[Counted], name: &str| counts.iter().find(|counted| counted.name == name).map_or(0, |counted| counted.count);
    vec![
        tile("exported", "exported rows", sum(|entity| entity.exported), format!("{} entities", numbers.entities.len())),
        tile("profiles", "profiles", profiles, format!("from {} records of people", thousands(records))),
        tile("services", "known to all three services", all(&numbers.six, "all_three"), "SCL, TeeTime and Messaging".to_owned()),
        tile("activities", "activities", activities, format!("{} after as_of", thousands(numbers.timeline.after_as_of))),
        tile("review", "pairs to review", review, in_queue),
        tile("rejected", "rejected rows", sum(|entity| entity.rejected), rejected_values),
    ]
}
