//! `explain`: why records are one person, or why two are not; from files alone.

use anyhow::Result;
use serde_json::json;

use crate::cli::{Outcome, Session};
use crate::fault::{Exit, Fault, did_you_mean};
use crate::model::email::EmailReader;
use crate::model::phone::{PhoneReader, PhoneRegion};
use crate::model::reason::Reasons;
use crate::model::{Code, Reference, Source};
use crate::resolve::explain::{Comparison, Known, ProfileStory};
use crate::resolve::{Record, Resolution};
use crate::steps::resolve::Inputs;
use crate::store::Folder;
use crate::tables::crm::field_provenance;
use crate::tables::dictionary::mask;

/// What to explain.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A profile id, an address, a number, or a record such as scl:members:1001 (scl:1001 will do)
    #[arg(value_name = "WHO")]
    who: String,
    /// Another one: why the two are one person, or why not
    #[arg(value_name = "OTHER")]
    other: Option<String>,
    /// Show people's values instead of masking them
    #[arg(long)]
    show: bool,
}

/// Profiles told when a value leads to several.
const PROFILES: usize = 5;
/// Cells of a bar.
const BAR: f64 = 24.0;

/// Reads `data/stage`, the CRM export and the decisions, resolves again, and tells the story.
pub fn run(session: &Session, args: Args) -> Result<Outcome> {
    let inputs = Inputs::read(session)?;
    let saved = Folder::open(&session.layout.resolve())?;
    if saved.manifest.inputs != inputs.manifest("resolve").inputs {
        session
            .progress
            .warn("data/resolve was made of other inputs than these; what follows is what make resolve would give now");
    }
    let resolution = inputs.resolve(session)?;
    let first = find(session, &resolution, &args.who)?;
    let Some(other) = &args.other else {
        return profile(session, &resolution, &first, args.show);
    };
    let second = find(session, &resolution, other)?;
    let (a, b) = nearest(&resolution, &first, &second);
    let comparison = resolution.compare(a, b);
    let one = resolution.labels()[a as usize] == resolution.labels()[b as usize];
    let mut text = format!(" {} and {} are {}\n", comparison.a, comparison.b, if one { "one person" } else { "two people" });
    let chain = if one { chain(&resolution, a, b) } else { Vec::new() };
    if chain.len() > 1 {
        text.push_str(" the chain that joins them:\n");
        chain.iter().for_each(|link| text.push_str(&link_line(link)));
        text.push_str(" compared directly:\n");
    }
    text.push_str(&waterfall(&comparison));
    text.push_str(&change_it(&comparison, one));
    Ok(Outcome::new(text, json!({ "one_person": one, "comparison": comparison, "chain": chain })))
}

fn profile(session: &Session, resolution: &Resolution, records: &[Record], show: bool) -> Result<Outcome> {
    let mut labels: Vec<Record> = records.iter().map(|&record| resolution.labels()[record as usize]).collect();
    labels.sort_unstable();
    labels.dedup();
    let mut text = String::new();
    let mut stories = Vec::new();
    for &label in labels.iter().take(PROFILES) {
        let mut story = resolution.story(label);
        let fields = match &story.profile_id {
            Some(id) => provenance(session, id)?,
            None => Vec::new(),
        };
        if !show {
            story.records.iter_mut().for_each(hide);
        }
        text.push_str(&tell(&story, &fields, show));
        stories.push(json!({ "story": story, "fields": fields }));
    }
    if labels.len() > PROFILES {
        text.push_str(&format!(" … and {} more profiles share this value\n", labels.len() - PROFILES));
    }
    Ok(Outcome::new(text, json!({ "profiles": stories, "of": labels.len() })))
}

fn hide(known: &mut Known) {
    for value in [&mut known.first_name, &mut known.last_name, &mut known.email, &mut known.phone] {
        if !value.is_empty() {
            *value = mask(value);
        }
    }
    known.born_on = known.born_on.map(|born| born / 10_000 * 10_000);
}

/// `field source rule` of every value of the profile, if `build` has run.
fn provenance(session: &Session, profile_id: &str) -> Result<Vec<String>> {
    let Some(crm) = Folder::find(&session.layout.crm())? else { return Ok(Vec::new()) };
    let mut fields = Vec::new();
    for batch in crm.read::<field_provenance::Table>(None)? {
        fields.extend(batch?.rows().filter(|row| row.profile_id == profile_id).map(|row| {
            let lost = if row.lost_count > 0 { format!(", {} other values lost", row.lost_count) } else { String::new() };
            format!("{}: {}:{} ({}{lost})", row.field, row.source, row.source_id, row.rule)
        }));
    }
    Ok(fields)
}

fn tell(story: &ProfileStory, fields: &[String], show: bool) -> String {
    let sources: std::collections::BTreeSet<&str> =
        story.records.iter().filter_map(|known| known.record.split(':').next()).collect();
    let mut text = format!(
        "profile {}   tenant {} · {} · {} records, {} sources{}\n\n",
        story.profile_id.as_deref().unwrap_or("none: nothing here may found one"),
        story.tenant,
        story.founder.as_deref().map_or_else(|| "skipped".to_owned(), |founder| format!("founded by {founder}")),
        story.records.len(),
        sources.len(),
        if show { "" } else { " (values masked; --show reveals)" }
    );
    for known in &story.records {
        let values = [&known.first_name, &known.last_name, &known.email, &known.phone];
        let values: Vec<&str> = values.into_iter().filter(|value| !value.is_empty()).map(String::as_str).collect();
        let born = known.born_on.map_or_else(String::new, |born| format!(" born {}", born / 10_000));
        text.push_str(&format!("  {:<40} {:<14} {}{born}\n", known.record, known.rule, values.join(" · ")));
    }
    if !story.links.is_empty() {
        text.push_str("\nlinks, from the founder on\n");
        story.links.iter().for_each(|link| text.push_str(&link_line(link)));
        for link in &story.links {
            text.push_str(&format!("\nwhy {} = {}\n{}", link.b, link.a, waterfall(link)));
        }
    }
    if !story.near_misses.is_empty() {
        text.push_str("\nnear misses\n");
        for miss in &story.near_misses {
            let refusal = miss.refusal.unwrap_or_default();
            let short = if miss.short > 0.0 { format!(", {:.1} bits short", miss.short) } else { String::new() };
            text.push_str(&format!("  {} ~ {}   {:+.1} bits{short}   {refusal}\n", miss.a, miss.b, miss.bits));
        }
    }
    if !fields.is_empty() {
        text.push_str("\nwhere values come from\n");
        fields.iter().for_each(|field| text.push_str(&format!("  {field}\n")));
    }
    if let Some(link) = story.links.first() {
        text.push_str(&change_it(link, true));
    }
    text.push('\n');
    text
}

fn link_line(link: &Comparison) -> String {
    format!("  {}  ──{}──  {}   {:+.1} bits\n", link.a, link.rule.unwrap_or("no key"), link.b, link.bits)
}

/// The evidence as bars, with the sum and the threshold.
fn waterfall(comparison: &Comparison) -> String {
    let widest = comparison.evidence.iter().map(|of| of.bits.abs()).fold(1.0, f64::max);
    let mut text = String::new();
    for of in &comparison.evidence {
        let cells = (of.bits.abs() / widest * BAR).round().max(1.0);
        let bar: String = std::iter::repeat_n(if of.bits < 0.0 { '░' } else { '█' }, cells as usize).collect();
        text.push_str(&format!("  {:<62} {:>+6.1}  {bar}\n", of.words, of.bits));
    }
    let verdict = match (comparison.refusal, comparison.short > 0.0) {
        (None, _) => format!("rule {}", comparison.rule.unwrap_or("none between these two")),
        (Some(refusal), true) => format!("{:.1} bits short · {refusal}", comparison.short),
        (Some(refusal), false) => format!("enough, but refused: {refusal}"),
    };
    text.push_str(&format!("  {:<62} {:>+6.1}  threshold +3.0 · {verdict}\n", "total", comparison.bits));
    text
}

fn change_it(comparison: &Comparison, one: bool) -> String {
    let kind = if one { "cannot-link" } else { "must-link" };
    format!(
        "\nchange it   add to decisions.csv:  {kind},{},{},<reason>,<who>,<date>   then: make resolve\n",
        comparison.a, comparison.b
    )
}

/// The links between two records of one profile, along the tree.
fn chain(resolution: &Resolution, a: Record, b: Record) -> Vec<Comparison> {
    let up = |start: Record| {
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

/// Of two groups of records the pair with the most evidence.
fn nearest(resolution: &Resolution, first: &[Record], second: &[Record]) -> (Record, Record) {
    let mut best = (first[0], second[0]);
    let mut most = f64::MIN;
    for &a in first.iter().take(20) {
        for &b in second.iter().take(20).filter(|&&b| b != a) {
            let bits = resolution.compare(a, b).bits;
            if bits > most {
                (best, most) = ((a, b), bits);
            }
        }
    }
    best
}

fn find(session: &Session, resolution: &Resolution, who: &str) -> Result<Vec<Record>> {
    let who = who.trim();
    let mut found = resolution.find(who);
    if found.is_empty() && who.contains('@') {
        let reference = Reference::committed();
        let mut emails = EmailReader::default();
        let read = emails.read(who, &reference.junk, &mut Reasons::default());
        found = read.iter().filter_map(|address| address.key()).flat_map(|key| resolution.find(key)).collect();
    } else if found.is_empty() && who.bytes().filter(u8::is_ascii_digit).count() >= 7 && !who.contains(':') {
        found = by_number(session, resolution, who);
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let mut fault = Fault::new(Exit::Usage, "nobody of that key, address or number is in the staged data");
    if let Some((source, _)) = who.split_once(':').filter(|(source, _)| Source::from_code(source).is_none()) {
        fault = match did_you_mean(source, Source::ALL.iter().map(|source| source.code())) {
            Some(near) => fault.help(format!("did you mean source {near:?}?")),
            None => fault.help("sources: mca_za, mca_uk, scl, teetime, messaging"),
        };
    }
    Err(fault.help("explain scl:members:1001, explain teetime:<id>, explain somebody@example.com, explain +27…").into())
}

fn by_number(session: &Session, resolution: &Resolution, who: &str) -> Vec<Record> {
    let reference = Reference::committed();
    let regions: Vec<PhoneRegion> =
        session.config.tenants.regions.values().filter_map(|region| PhoneRegion::parse(&region.region)).collect();
    let mut phones = PhoneReader::new(regions.iter().copied());
    let mut found = Vec::new();
    for region in regions {
        let read = phones.read(who, Some(region), true, &reference.junk, &mut Reasons::default());
        for number in read.iter().map(|phone| phone.number.as_str().to_owned()).collect::<Vec<_>>() {
            found.extend(resolution.find(&number));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
