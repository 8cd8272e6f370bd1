//! `resolve`: links the records of all sources of the phase to people.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{Session, StepOutcome};
use crate::config::Tenantless;
use crate::fault::{Exit, Fault};
use crate::model::{Code, LinkRule, Phase};
use crate::model::{counted, thousands};
use crate::resolve::{
    Decision, DecisionKind, DecisionOrigin, DecisionState, Gathering, LiteralRule, Memory, Nicknames, Resolution, ResolveOptions,
    ResolveSummary, read_decisions, resolve,
};
use crate::sources::crm::{merged_pairs, profile_ids, rejected_pairs, withheld_records};
use crate::steps::binding::{self, Made};
use crate::steps::{Again, inputs, nothing_to_do, unchanged};
use crate::store::{Draft, Folder, Manifest, RunLock};
use crate::tables::resolution::{candidates, decisions, hubs, links, profile_changes};
use crate::tables::stage::{identifiers, people};

/// Arguments of `resolve`.
#[derive(clap::Args, Debug)]
pub struct ResolveArgs {
    /// Method: evidence, or strategy for the strategy's literal rule, which writes data/resolve-strategy for comparison in the
    /// report only
    #[arg(long, value_name = "HOW", default_value = "evidence", value_parser = ["evidence", "strategy"])]
    method: String,
    /// A pilot: make profiles of this CRM tenant only; may be repeated. Later steps follow; load, verify and rollback then see
    /// this tenant alone
    #[arg(long, value_name = "TENANT", value_delimiter = ',')]
    tenant: Vec<String>,
    /// Whether to run although nothing changed.
    #[command(flatten)]
    again: Again,
}

impl Default for ResolveArgs {
    fn default() -> Self {
        Self { method: "evidence".to_owned(), tenant: Vec::new(), again: Again::default() }
    }
}

const NEXT: &str = "make consolidate";

/// Reads `data/stage`, the CRM export and `decisions.csv`, writes `data/resolve`.
pub fn run(session: &Session, args: ResolveArgs) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "resolve")?;
    inputs::warn_of_unread_files(session);
    binding::require(session, Made::Stage)?;
    let mut pilot: Vec<String> = args.tenant.iter().map(|tenant| tenant.trim().to_owned()).collect();
    pilot.sort_unstable();
    pilot.dedup();
    let inputs = Inputs::read(session, pilot)?;
    if args.method == "strategy" {
        return by_strategy(session, &inputs, args.again);
    }
    let manifest = inputs::of_resolve(session, "resolve", &inputs.stage, &inputs.pilot)?;
    let target = session.layout.resolve();
    if let Some(done) = unchanged(session, &target, &manifest, args.again)? {
        return Ok(nothing_to_do("resolve", &done, NEXT));
    }
    let resolution = inputs.resolve(session)?;
    refuse_contradictions(session, &resolution)?;
    let summary = resolution.summary();
    if summary.profiles == 0 && !inputs.pilot.is_empty() {
        return Err(Fault::new(Exit::Usage, format!("no profile belongs to tenant {}", inputs.pilot.join(" or ")))
            .at("--tenant")
            .help("the tenants of the CRM are in [tenants] of the settings; make resolve without --tenant makes all profiles")
            .into());
    }
    write(session, &inputs, &resolution, &summary, manifest)?;
    Ok(outcome(&resolution, &summary, inputs.phase))
}

/// Applies the strategy's literal rule to the same records. The result is never loaded.
fn by_strategy(session: &Session, inputs: &Inputs, again: Again) -> Result<StepOutcome> {
    let manifest = inputs::of_resolve(session, "resolve-strategy", &inputs.stage, &[])?;
    let target = session.layout.resolve_strategy();
    if let Some(done) = unchanged(session, &target, &manifest, again)? {
        return Ok(nothing_to_do("resolve", &done, "make report"));
    }
    let mut rule = LiteralRule::default();
    for source in inputs.phase.sources() {
        for batch in inputs.stage.read::<people::Table>(Some(source))? {
            rule.people(source, &batch?);
        }
    }
    let literal = rule.finish();
    let profiles = literal.rules.iter().filter(|rule| **rule == LinkRule::Founder).count();
    let draft = Draft::create(&target, inputs.as_of())?;
    draft.write::<links::Table>(None, literal.rows(&session.config.tenants.default))?;
    draft.finish(manifest, &session.layout.previous("resolve-strategy"))?;
    let text = format!(
        " the strategy's literal rule: {} records → {} people, in {}; the report compares it with ours\n",
        thousands(literal.len() as u64),
        thousands(profiles as u64),
        target.display()
    );
    let summary = json!({ "method": "strategy", "records": literal.len(), "profiles": profiles });
    Ok(StepOutcome::new(text, summary).next("make report"))
}

/// The inputs of resolution.
pub struct Inputs {
    stage: Folder,
    /// The phase of the staged data.
    pub phase: Phase,
    nicknames: String,
    decisions: Vec<Decision>,
    profile_ids: Vec<(String, String)>,
    withheld: Vec<String>,
    /// The only tenants whose profiles are made; empty for all.
    pilot: Vec<String>,
}

impl Inputs {
    /// Opens the staged folder and reads the small inputs. `pilot` are the only tenants whose profiles are made; empty for all.
    pub fn read(session: &Session, pilot: Vec<String>) -> Result<Self> {
        let stage = Folder::open(&session.layout.stage())?;
        let phase = session.check_phase(stage.manifest.phase, stage.path())?;
        session.check_as_of(&stage.manifest.as_of, stage.path())?;
        let nicknames = inputs::nicknames(session)?;
        let path = &session.decisions;
        let text = inputs::decisions(session)?;
        let mut decisions = read_decisions(&text).map_err(|what| {
            Fault::new(Exit::Usage, what).at(path.display().to_string()).help("docs/identity.md has an example")
        })?;
        let mut profile_ids = Vec::new();
        let mut withheld: BTreeMap<String, String> = BTreeMap::new();
        if let Some(crm) = Folder::find(&session.layout.exports_crm())? {
            for batch in crm.read::<profile_ids::Table>(None)? {
                profile_ids.extend(batch?.rows().map(|row| (row.record_key.to_owned(), row.profile_id.to_owned())));
            }
            // Exports of older versions have no merges and deletions.
            if crm.has::<merged_pairs::Table>(None) {
                // The first decision wins. A merge is done; a confirmed pair of two tenants must not pull a record out of it.
                let mut confirmed = Vec::new();
                for batch in crm.read::<merged_pairs::Table>(None)? {
                    for row in batch?.rows() {
                        let decision = by_crm(DecisionKind::MustLink, row.a, row.b);
                        if row.kind == "MERGED" { decisions.push(decision) } else { confirmed.push(decision) }
                    }
                }
                decisions.append(&mut confirmed);
            }
            if crm.has::<withheld_records::Table>(None) {
                for batch in crm.read::<withheld_records::Table>(None)? {
                    withheld.extend(batch?.rows().map(|row| (row.record_key.to_owned(), row.profile_id.to_owned())));
                }
            }
            for batch in crm.read::<rejected_pairs::Table>(None)? {
                decisions.extend(batch?.rows().map(|row| by_crm(DecisionKind::CannotLink, row.a, row.b)));
            }
            profile_ids.retain(|(record, _)| !withheld.contains_key(record));
        }
        // A withheld record keeps its profile's id, so that a restored profile has the same id.
        profile_ids.extend(withheld.iter().map(|(record, profile)| (record.clone(), profile.clone())));
        let withheld = withheld.into_keys().collect();
        Ok(Self { stage, phase, nicknames, decisions, profile_ids, withheld, pilot })
    }

    /// Point in time the run is evaluated at.
    pub fn as_of(&self) -> &str {
        &self.stage.manifest.as_of
    }

    /// Resolves.
    pub fn resolve(&self, session: &Session) -> Result<Resolution> {
        let options = ResolveOptions { pilot: self.pilot.clone(), ..options(session) };
        let nicknames = Nicknames::parse(&self.nicknames).map_err(|what| {
            let path = session.config.resolve(&session.config.paths.reference).join("nicknames.csv");
            Fault::new(Exit::Usage, what)
                .at(path.display().to_string())
                .help("the columns are described in data/reference/README.md")
        })?;
        let mut records = 0;
        for source in self.phase.sources() {
            records += self.stage.rows::<people::Table>(Some(source))?;
        }
        let mut gathering = Gathering::new(&options, usize::try_from(records).unwrap_or(0));
        for source in self.phase.sources() {
            let rows = self.stage.rows::<people::Table>(Some(source))?;
            let task = session.progress.task(format!("{source} {}", source.people()), Some(rows));
            for batch in self.stage.read::<people::Table>(Some(source))? {
                let batch = batch?;
                task.advance(crate::tables::Columns::len(&batch) as u64);
                gathering.people(source, batch);
            }
            for batch in self.stage.read::<identifiers::Table>(Some(source))? {
                gathering.identifiers(source, &batch?);
            }
            task.finish("");
        }
        let memory = Memory { decisions: &self.decisions, profile_ids: &self.profile_ids, withheld: &self.withheld };
        Ok(resolve(gathering.finish(&nicknames), memory, options))
    }
}

fn by_crm(kind: DecisionKind, a: &str, b: &str) -> Decision {
    Decision { kind, a: a.to_owned(), b: b.to_owned(), origin: DecisionOrigin::Crm }
}

fn options(session: &Session) -> ResolveOptions {
    let config = &session.config;
    ResolveOptions {
        scope: config.identity.scope,
        adopt_tenantless: config.identity.tenantless == Tenantless::Adopt,
        default_tenant: config.tenants.default.clone(),
        mca_za_tenant: config.tenants.mca_za.clone(),
        mca_uk_tenant: config.tenants.mca_uk.clone(),
        pilot: Vec::new(),
    }
}

/// Fails if two lines of the decisions file contradict each other; the file overrides rejections in the CRM.
fn refuse_contradictions(session: &Session, resolution: &Resolution) -> Result<()> {
    let contradicted = |kind: DecisionKind| {
        let of_kind = resolution
            .decision_states()
            .iter()
            .filter(move |(decision, state)| *state == DecisionState::Contradicted && decision.kind == kind);
        let lines = of_kind.filter_map(|(decision, _)| match decision.origin {
            DecisionOrigin::File(line) => Some(line.to_string()),
            DecisionOrigin::Crm => None,
        });
        lines.collect::<Vec<_>>().join(", ")
    };
    let (parted, joined) = (contradicted(DecisionKind::CannotLink), contradicted(DecisionKind::MustLink));
    let mut what = Vec::new();
    let mut help = Vec::new();
    if !parted.is_empty() {
        what.push(format!(
            "the cannot-link of line {parted} separates records that must-links join, directly or through other records"
        ));
        help.push("remove the cannot-link or a must-link of the chain, then: make resolve");
    }
    if !joined.is_empty() {
        what.push(format!("the must-link of line {joined} joins people of two tenants"));
        help.push("remove it (identity.scope = \"tenant\" keeps tenants apart), then: make resolve");
    }
    if what.is_empty() {
        return Ok(());
    }
    let path = &session.decisions;
    let fault = Fault::new(Exit::Usage, what.join("; ")).at(path.display().to_string());
    Err(help.into_iter().fold(fault, Fault::help).into())
}

fn write(
    session: &Session,
    inputs: &Inputs,
    resolution: &Resolution,
    summary: &ResolveSummary,
    mut manifest: Manifest,
) -> Result<()> {
    let draft = Draft::create(&session.layout.resolve(), inputs.as_of())?;
    draft.write::<links::Table>(None, resolution.links())?;
    draft.write::<candidates::Table>(None, resolution.candidates())?;
    draft.write::<hubs::Table>(None, [resolution.hubs()])?;
    draft.write::<profile_changes::Table>(None, [resolution.profile_changes()])?;
    draft.write::<decisions::Table>(None, [resolution.decisions()])?;
    for (name, value) in counts(resolution, summary) {
        manifest.counts.insert(name, value);
    }
    draft.finish(manifest, &session.layout.previous("resolve"))?;
    Ok(())
}

/// The counts of the manifest and of `--json` by name: totals, the match threshold of contested records in sixteenths of a bit
/// (`bar16`), `rule.<RULE>`, `size.<1…10>`, `decisions.<STATE>`.
fn counts(resolution: &Resolution, summary: &ResolveSummary) -> Vec<(String, i64)> {
    let number = |value: usize| i64::try_from(value).expect("counts fit in 63 bits");
    let mut counts = vec![
        ("records".to_owned(), i64::from(summary.records)),
        ("profiles".to_owned(), i64::from(summary.profiles)),
        ("skipped".to_owned(), i64::from(summary.skipped)),
        ("largest".to_owned(), i64::from(summary.largest)),
        ("candidates".to_owned(), number(summary.candidates)),
        ("candidates_filed".to_owned(), number(summary.filed)),
        ("hubs".to_owned(), number(summary.hubs)),
        ("refused_strong".to_owned(), number(summary.refused_strong)),
        ("profile_changes".to_owned(), number(summary.profile_changes)),
        ("bar16".to_owned(), i64::from(summary.bar.in_sixteenths())),
    ];
    counts.extend(summary.by_rule.iter().map(|(rule, count)| (format!("rule.{rule}"), i64::from(*count))));
    counts.extend((1..).zip(&summary.sizes).map(|(size, count)| (format!("size.{size}"), i64::from(*count))));
    for state in [DecisionState::Applied, DecisionState::Contradicted, DecisionState::Stale] {
        let count = resolution.decision_states().iter().filter(|(_, of)| *of == state).count();
        counts.push((format!("decisions.{}", state.code()), number(count)));
    }
    counts
}

fn outcome(resolution: &Resolution, summary: &ResolveSummary, phase: Phase) -> StepOutcome {
    let count = |value: u32| thousands(i64::from(value));
    let mut text = format!(" {} → {} people", counted(summary.records, "record"), count(summary.profiles));
    if summary.profile_changes > 0 {
        text.push_str(&format!(
            " ({} of earlier loads merged, split or vanished)",
            counted(summary.profile_changes as u64, "profile")
        ));
    }
    text.push('\n');
    for (rule, links) in &summary.by_rule {
        text.push_str(&format!(" {:>12} {}\n", count(*links), rule.code()));
    }
    let sizes: Vec<String> = (1..)
        .zip(&summary.sizes)
        .map(|(size, people)| format!("{size}{}: {}", if size == 10 { "+" } else { "" }, count(*people)))
        .collect();
    text.push_str(&format!(" people by number of records: {}; the largest has {}\n", sizes.join(" · "), summary.largest));
    text.push_str(&format!(
        " {} records skipped · {} shared values (hubs) · {} candidates, {} of them for review · {} strong links forbidden\n",
        count(summary.skipped),
        summary.hubs,
        summary.candidates,
        summary.filed,
        summary.refused_strong
    ));
    text.push_str(&format!(" match threshold for contested records without a name: {:.1} bits\n", summary.bar.in_bits()));
    let states = [DecisionState::Applied, DecisionState::Contradicted, DecisionState::Stale];
    let echoed = states.map(|state| (state, resolution.decision_states().iter().filter(|(_, of)| *of == state).count()));
    let echoed: Vec<String> = echoed
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{} {}", thousands(*count as u64), state.code().to_lowercase()))
        .collect();
    if !echoed.is_empty() {
        text.push_str(&format!(" decisions: {}\n", echoed.join(", ")));
    }
    for (decision, state) in resolution.decision_states() {
        // Decisions of the CRM on records that are no longer exported are not reported: they hold as long as the CRM exists.
        if *state != DecisionState::Applied && (decision.origin != DecisionOrigin::Crm || *state == DecisionState::Contradicted) {
            text.push_str(&format!(" ! {} {} {}: {}\n", decision.kind.code(), decision.a, decision.b, state.code()));
        }
    }
    let counts: serde_json::Map<String, Value> =
        counts(resolution, summary).into_iter().map(|(name, value)| (name, json!(value))).collect();
    StepOutcome::new(text, json!({ "phase": phase.number(), "counts": counts })).next(NEXT)
}
