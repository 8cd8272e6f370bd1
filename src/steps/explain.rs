//! `explain`: explains why records are one person, or why two are not; works from files alone.

mod consent;
mod finder;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::{Code, LinkRule, RecordIx, RecordKey};
use crate::resolve::explain::{KnownRecord, PairComparison, ProfileStory};
use crate::resolve::{ConstraintViolation, Resolution};
use crate::steps::cells;
use crate::steps::resolve::Inputs;
use crate::store::{Folder, hash_bytes};
use crate::tables::Table as _;
use crate::tables::crm::{customer_profiles, field_provenance};
use crate::tables::dictionary::{is_personal, mask};
use consent::ChannelAnswer;
use finder::{Finder, FoundRecords};

/// Arguments of `explain`.
#[derive(clap::Args, Debug)]
pub struct ExplainArgs {
    /// A profile id, an email, a phone, or a record such as scl:members:1001 (scl:1001 for short)
    #[arg(value_name = "WHO")]
    who: String,
    /// Another one: explain why the two are one person, or why not
    #[arg(value_name = "OTHER")]
    other: Option<String>,
    /// Show personal values instead of masking them
    #[arg(long)]
    show: bool,
}

/// Profiles that are explained when a value belongs to several.
const PROFILES: usize = 5;
/// Width of a bar in characters.
const BAR: f64 = 24.0;
/// Records of each side that are searched for the nearest pair.
const NEAREST: usize = 20;

/// Reads `data/stage`, the CRM export and the decisions, resolves again, and prints the explanation.
pub fn run(session: &Session, args: ExplainArgs) -> Result<StepOutcome> {
    let pilot = crate::steps::inputs::pilot(session)?;
    crate::steps::inputs::warn_of_unread_files(session);
    let inputs = Inputs::read(session, pilot.clone())?;
    let saved = Folder::open(&session.layout.resolve())?;
    let now = crate::steps::inputs::of_resolve(session, "resolve", &Folder::open(&session.layout.stage())?, &pilot)?;
    if saved.manifest.inputs != now.inputs {
        session.progress.warn("data/resolve was made from other inputs; this explanation is of what make resolve would give now");
    }
    warn_of_old_fields(session, &saved)?;
    let resolution = inputs.resolve(session)?;
    let finder = Finder { session, inputs: &inputs, resolution: &resolution };
    let first = finder.find(&args.who)?;
    match &args.other {
        None => profiles(session, &resolution, &first, args.show),
        Some(other) => pair(session, &resolution, &first.records, &finder.find(other)?.records),
    }
}

/// Warns if the fields of the last consolidation are of another resolution.
fn warn_of_old_fields(session: &Session, resolved: &Folder) -> Result<()> {
    let Some(crm) = Folder::find(&session.layout.crm())? else { return Ok(()) };
    let now = hash_bytes(resolved.manifest.content_hash().as_bytes());
    if crm.manifest.inputs.get("resolve") != Some(&now) {
        session
            .progress
            .warn("data/crm was built from another resolution; the sources of values are as of then (make consolidate)");
    }
    Ok(())
}

fn pair(session: &Session, resolution: &Resolution, first: &[RecordIx], second: &[RecordIx]) -> Result<StepOutcome> {
    let Some((a, b)) = nearest(resolution, first, second) else {
        let fault = Fault::new(Exit::Usage, "both name the same record");
        return Err(fault.help("with one argument explain shows its profile; with two, why they are one person or two").into());
    };
    let comparison = resolution.compare(a, b);
    let one = resolution.labels()[a.index()] == resolution.labels()[b.index()];
    let mut text = format!(" {} and {} are {}\n", comparison.a, comparison.b, if one { "one person" } else { "two people" });
    if first.len() * second.len() > 1 {
        text.push_str(&format!(
            " the pair with the most evidence of {} and {}\n",
            count(first.len(), "record"),
            count(second.len(), "record")
        ));
    }
    let chain = if one { chain(resolution, a, b) } else { Vec::new() };
    if chain.len() > 1 {
        text.push_str(" the chain that links them:\n");
        chain.iter().for_each(|link| text.push_str(&link_line(link)));
        text.push_str(" compared directly:\n");
    }
    text.push_str(&waterfall(&comparison));
    text.push_str(&change_it(session, weakest(&chain).unwrap_or(&comparison), one));
    Ok(StepOutcome::new(text, json!({ "one_person": one, "comparison": comparison, "chain": chain })))
}

fn profiles(session: &Session, resolution: &Resolution, found: &FoundRecords, show: bool) -> Result<StepOutcome> {
    let mut labels: Vec<RecordIx> = found.records.iter().map(|&record| resolution.labels()[record.index()]).collect();
    labels.sort_unstable();
    labels.dedup();
    let mut text = String::new();
    for hub in &found.hubs {
        text.push_str(&format!(
            " a hub: {} carry this value{}, of {}; it does not link records by itself\n\n",
            count(hub.records as usize, "record"),
            hub.tenant.as_ref().map_or_else(String::new, |tenant| format!(" in tenant {tenant}")),
            hub.why
        ));
    }
    if found.is_no_key {
        text.push_str(" this value is not a key (an office, a placeholder, or a phone without a known region), so it does not link records\n\n");
    }
    let mut stories = Vec::new();
    for &label in labels.iter().take(PROFILES) {
        let mut story = resolution.story(label);
        let (fields, consent) = match &story.profile_id {
            Some(id) => (fields(session, id, show)?, consent::of_profile(session, id)?),
            None => (Vec::new(), Vec::new()),
        };
        if !show {
            story.records.iter_mut().for_each(hide);
        }
        text.push_str(&tell(session, &story, &fields, &consent, show));
        stories.push(json!({ "story": story, "fields": fields, "consent": consent }));
    }
    if labels.len() > PROFILES {
        text.push_str(&format!(" … and {} more profiles share this value\n", labels.len() - PROFILES));
    }
    Ok(StepOutcome::new(text, json!({ "profiles": stories, "of": labels.len(), "hubs": found.hubs, "is_key": !found.is_no_key }))
        .private(show))
}

fn hide(known: &mut KnownRecord) {
    for value in [&mut known.first_name, &mut known.last_name, &mut known.email, &mut known.phone] {
        if !value.is_empty() {
            *value = mask(value);
        }
    }
    known.born_on = known.born_on.map(|born| born / 10_000 * 10_000);
}

/// A field of the profile and where its value came from.
#[derive(Serialize)]
struct ExplainedField {
    field: String,
    /// The value for the CRM; `None` if the field is not a column of the profile.
    value: Option<String>,
    /// `source:entity:id` of its record.
    from: String,
    /// The rule that chose it.
    rule: String,
    /// Number of other values.
    others: i32,
}

/// Every field of the profile, if `consolidate` has run.
fn fields(session: &Session, profile_id: &str, show: bool) -> Result<Vec<ExplainedField>> {
    let Some(crm) = Folder::find(&session.layout.crm())? else { return Ok(Vec::new()) };
    let columns = customer_profiles::Table::dataset().columns;
    let Some(id) = columns.iter().position(|column| column.name == "id") else { return Ok(Vec::new()) };
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for batch in crm.read_stem(customer_profiles::Table::dataset().stem)? {
        if let Some(row) = cells::rows(&batch?, &[(id, profile_id.to_owned())])?.pop() {
            values = columns.iter().zip(row).filter_map(|(column, value)| Some((column.name, value?))).collect();
            break;
        }
    }
    let mut fields = Vec::new();
    for batch in crm.read::<field_provenance::Table>(None)? {
        fields.extend(batch?.rows().filter(|row| row.profile_id == profile_id).map(|row| ExplainedField {
            field: row.field.to_owned(),
            value: values.get(row.field).map(|value| if show || !is_personal(row.field) { value.clone() } else { mask(value) }),
            from: RecordKey { source: row.source, id: row.source_id }.to_string(),
            rule: row.rule.to_string(),
            others: row.lost_count,
        }));
    }
    Ok(fields)
}

fn tell(session: &Session, story: &ProfileStory, fields: &[ExplainedField], consent: &[ChannelAnswer], show: bool) -> String {
    let sources: std::collections::BTreeSet<&str> =
        story.records.iter().filter_map(|known| known.record.split(':').next()).collect();
    let mut text = format!(
        "profile {}   tenant {} · {} · {}, {}{}\n\n",
        story.profile_id.as_deref().unwrap_or("none"),
        story.tenant,
        match (&story.founder, story.skipped) {
            (Some(founder), _) => format!("seed record {founder}"),
            (None, why) => format!("skipped ({}): no record may seed a profile", why.unwrap_or_default()),
        },
        count(story.records.len(), "record"),
        count(sources.len(), "source"),
        if show { "" } else { " (values masked; --show reveals)" }
    );
    let width = widest(story.records.iter().map(|known| known.record.as_str()));
    for known in &story.records {
        let values = [&known.first_name, &known.last_name, &known.email, &known.phone];
        let values: Vec<&str> = values.into_iter().filter(|value| !value.is_empty()).map(String::as_str).collect();
        let born = known.born_on.map_or_else(String::new, |born| format!(" born {}", if show { born } else { born / 10_000 }));
        text.push_str(&format!("  {:<width$}  {:<14} {}{born}\n", known.record, known.rule, values.join(" · ")));
    }
    if !story.links.is_empty() {
        text.push_str("\nlinks, from the seed record on\n");
        story.links.iter().for_each(|link| text.push_str(&link_line(link)));
        for link in &story.links {
            text.push_str(&format!("\nwhy {} = {}\n{}", link.b, link.a, waterfall(link)));
        }
    }
    if !story.decisions.is_empty() {
        text.push_str("\ndecisions\n");
        for told in &story.decisions {
            text.push_str(&format!("  {}  {}  {}   {}, from {}\n", told.kind, told.a, told.b, told.state, told.origin));
        }
    }
    if !story.near_misses.is_empty() {
        text.push_str("\nnot linked, nearest first\n");
        story.near_misses.iter().for_each(|miss| text.push_str(&miss_lines(miss, story.profile_id.as_ref())));
        if story.near_miss_count > story.near_misses.len() {
            text.push_str(&format!("  … and {} more\n", story.near_miss_count - story.near_misses.len()));
        }
    }
    if !fields.is_empty() {
        text.push_str("\nsources of the values\n");
        let name = widest(fields.iter().map(|field| field.field.as_str()));
        let from = widest(fields.iter().map(|field| field.from.as_str()));
        for ExplainedField { field, value, from: record, rule, others } in fields {
            let others = if *others > 0 { format!(", of {} values", others + 1) } else { String::new() };
            let value = value.as_deref().unwrap_or("·");
            text.push_str(&format!("  {field:<name$}  {record:<from$}  {value}   ({rule}{others})\n"));
        }
    }
    text.push_str(&consent::tell(consent));
    if let Some(link) = weakest(&story.links) {
        text.push_str(&change_it(session, link, true));
    }
    text.push('\n');
    text
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

fn link_line(link: &PairComparison) -> String {
    let sure = link.confidence.map_or_else(String::new, |confidence| format!(", confidence {confidence}"));
    format!("  {}  ──{}──  {}   {:+.1} bits{sure}\n", link.a, link.rule.unwrap_or("no key"), link.b, link.bits)
}

/// A pair that was not linked: its evidence, the reason, and the profile on the other side.
fn miss_lines(miss: &PairComparison, own: Option<&String>) -> String {
    let short = if miss.short > 0.0 { format!(", {:.1} bits short", miss.short) } else { String::new() };
    let other = [&miss.a_profile_id, &miss.b_profile_id].into_iter().flatten().find(|id| Some(*id) != own);
    format!(
        "  {}  ~ {} ~  {}   {:+.1} bits{short}\n      {}: {}{}\n",
        miss.a,
        miss.rule.unwrap_or("no key"),
        miss.b,
        miss.bits,
        miss.refusal.unwrap_or_default(),
        miss.refusal_words.unwrap_or_default(),
        other.map_or_else(String::new, |id| format!(" · other profile {id}"))
    )
}

/// The evidence as bars, with the sum and the threshold.
fn waterfall(comparison: &PairComparison) -> String {
    let most = comparison.evidence.iter().map(|of| of.bits.abs()).fold(1.0, f64::max);
    let width = widest(comparison.evidence.iter().map(|of| of.words.as_str())).max(40);
    let mut text = String::new();
    for of in &comparison.evidence {
        let cells = (of.bits.abs() / most * BAR).round().max(1.0);
        let bar: String = std::iter::repeat_n(if of.bits < 0.0 { '░' } else { '█' }, cells as usize).collect();
        text.push_str(&format!("  {:<width$} {:>+6.1}  {bar}\n", of.words, of.bits));
        if let Some(why) = of.why {
            text.push_str(&format!("      {why}\n"));
        }
    }
    let words = comparison.refusal_words.unwrap_or_default();
    let verdict = match (comparison.refusal, comparison.short > 0.0) {
        (None, false) => format!("rule {}", comparison.rule.unwrap_or("none between these two")),
        (None, true) => {
            format!("{:.1} bits short by themselves: linked through other records, or by a decision", comparison.short)
        }
        (Some(refusal), true) => format!("{:.1} bits short · {refusal}: {words}", comparison.short),
        (Some(refusal), false) => format!("enough, but forbidden · {refusal}: {words}"),
    };
    text.push_str(&format!("  {:<width$} {:>+6.1}  threshold +3.0 · {verdict}\n", "total", comparison.bits));
    text
}

/// How to change the result with a decision.
fn change_it(session: &Session, comparison: &PairComparison, one: bool) -> String {
    let file = session.decisions.display();
    let (a, b) = (&comparison.a, &comparison.b);
    let is_decided =
        comparison.rule == Some(LinkRule::Decision.code()) || comparison.refusal == Some(ConstraintViolation::Decision.code());
    let how = match (one, is_decided) {
        (true, true) => format!("remove from {file}: must-link,{a},{b}   then: make resolve"),
        (false, true) => {
            format!(
                "remove the cannot-link from {file} (a must-link there overrides a rejection in the CRM)   then: make resolve"
            )
        }
        (false, false) if comparison.refusal == Some(ConstraintViolation::Tenant.code()) => {
            "records of two tenants are never linked while identity.scope = \"tenant\"".to_owned()
        }
        (true, false) => format!("add to {file}:  cannot-link,{a},{b},<reason>,<who>,<date>   then: make resolve"),
        (false, false) => format!("add to {file}:  must-link,{a},{b},<reason>,<who>,<date>   then: make resolve"),
    };
    format!("\nchange it   {how}\n")
}

/// The link with the lowest match weight; decisions count as the strongest.
fn weakest(links: &[PairComparison]) -> Option<&PairComparison> {
    let strength = |link: &PairComparison| if link.rule == Some(LinkRule::Decision.code()) { f64::MAX } else { link.bits };
    links.iter().min_by(|x, y| strength(x).total_cmp(&strength(y)))
}

/// The links between two records of one profile, along the tree.
fn chain(resolution: &Resolution, a: RecordIx, b: RecordIx) -> Vec<PairComparison> {
    let up = |start: RecordIx| {
        let mut path = vec![start];
        while let Some(parent) = resolution.parent(path[path.len() - 1]) {
            path.push(parent);
        }
        path
    };
    let (mut left, mut right) = (up(a), up(b));
    while left.len() > 1 && right.len() > 1 && left[left.len() - 2] == right[right.len() - 2] {
        left.pop();
        right.pop();
    }
    right.pop();
    left.extend(right.into_iter().rev());
    left.windows(2).map(|pair| resolution.compare(pair[0], pair[1])).collect()
}

/// The pair of two groups with the highest match weight; `None` if both are the same record.
fn nearest(resolution: &Resolution, first: &[RecordIx], second: &[RecordIx]) -> Option<(RecordIx, RecordIx)> {
    let sides = first.iter().take(NEAREST).flat_map(|&a| second.iter().take(NEAREST).map(move |&b| (a, b)));
    let compared = sides.filter(|(a, b)| a != b).map(|(a, b)| (resolution.weight(a, b), (a, b)));
    // Among equals the first.
    let best = compared.reduce(|best, one| if one.0 > best.0 { one } else { best });
    best.map(|(_, pair)| pair)
}
