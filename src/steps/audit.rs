//! `audit`: a reproducible sample of links and candidates for people to judge; their verdicts read back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::cli::{Outcome, Session};
use crate::fault::{Exit, Fault};
use crate::model::{Code, LinkRule, RecordKey, Source};
use crate::progress::thousands;
use crate::resolve::audit::{Pair, Precision, overall, sample, stratum};
use crate::store::{Folder, replace_file};
use crate::tables::dictionary::mask;
use crate::tables::resolution::{candidates, links};
use crate::tables::stage::people;

/// What to draw, or what to read back.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write about N pairs to judge: every kind of link, links near the threshold, candidates
    #[arg(long, value_name = "N", conflicts_with = "verdicts", required_unless_present = "verdicts")]
    sample: Option<usize>,
    /// Another seed draws another sample
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the sample goes
    #[arg(long, value_name = "FILE", default_value = "audit.csv")]
    out: PathBuf,
    /// Show people's values in the sample instead of masking them
    #[arg(long)]
    show: bool,
    /// Read a judged sample: verdict is same, different or unsure
    #[arg(long, value_name = "FILE")]
    verdicts: Option<PathBuf>,
    /// Who judged, for the decisions that wrong links and missed pairs become
    #[arg(long, value_name = "NAME", requires = "verdicts")]
    by: Option<String>,
}

const SHOWN: [&str; 5] = ["email", "phone", "first_name", "last_name", "born_on"];

/// Runs the step.
pub fn run(session: &Session, args: Args) -> Result<Outcome> {
    let pairs = pairs(session)?;
    match (&args.verdicts, args.sample) {
        (Some(path), _) => verdicts(session, &pairs, path, args.by.as_deref()),
        (None, size) => write_sample(session, pairs, size.unwrap_or(300), &args),
    }
}

fn pairs(session: &Session) -> Result<Vec<Pair>> {
    let folder = Folder::open(&session.layout.resolve())?;
    let mut pairs = Vec::new();
    for columns in folder.read::<links::Table>(None)? {
        for row in columns?.rows() {
            let (Some(source), Some(id)) = (row.matched_source, row.matched_source_id) else { continue };
            if row.rule == LinkRule::Decision {
                continue;
            }
            pairs.push(Pair {
                a: RecordKey { source: row.source, id: row.source_id }.to_string(),
                b: RecordKey { source, id }.to_string(),
                is_linked: true,
                stratum: stratum(row.rule.code(), row.bits16),
                bits16: row.bits16,
                evidence: row.evidence.to_owned(),
            });
        }
    }
    for columns in folder.read::<candidates::Table>(None)? {
        pairs.extend(columns?.rows().map(|row| Pair {
            a: RecordKey { source: row.a_source, id: row.a_source_id }.to_string(),
            b: RecordKey { source: row.b_source, id: row.b_source_id }.to_string(),
            is_linked: false,
            stratum: "CANDIDATE".to_owned(),
            bits16: row.bits16,
            evidence: format!("{}; not linked: {}", row.reasons.iter().collect::<Vec<_>>().join(", "), row.refusal),
        }));
    }
    Ok(pairs)
}

fn write_sample(session: &Session, pairs: Vec<Pair>, size: usize, args: &Args) -> Result<Outcome> {
    let drawn = sample(pairs, size, args.seed);
    let mut wanted: BTreeMap<String, [String; 5]> = BTreeMap::new();
    for key in drawn.iter().flat_map(|pair| [&pair.a, &pair.b]) {
        wanted.insert(key.clone(), Default::default());
    }
    fill(session, &mut wanted)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let sides = ["a", "b"].into_iter().flat_map(|side| SHOWN.map(|column| format!("{side}_{column}")));
    let header =
        ["a", "b", "linked", "stratum", "bits", "evidence", "verdict", "remark"].map(str::to_owned).into_iter().chain(sides);
    writer.write_record(header)?;
    for pair in &drawn {
        let linked = if pair.is_linked { "yes" } else { "no" };
        let bits = format!("{:.2}", f64::from(pair.bits16) / 16.0);
        let plain = [&pair.a, &pair.b, linked, &pair.stratum, &bits, &pair.evidence, "", ""].map(str::to_owned);
        let values = [&pair.a, &pair.b].into_iter().flat_map(|key| wanted[key].clone());
        let shown = values.map(|value| if args.show { crate::steps::inspect::defused(value) } else { mask(&value) });
        writer.write_record(plain.into_iter().chain(shown))?;
    }
    replace_file(&args.out, &writer.into_inner().context("memory takes bytes")?)?;
    let mut strata: BTreeMap<&str, usize> = BTreeMap::new();
    drawn.iter().for_each(|pair| *strata.entry(pair.stratum.as_str()).or_default() += 1);
    let mut text: String =
        strata.iter().map(|(name, count)| format!("   {name:<40} {:>8}\n", thousands(*count as u64))).collect();
    text.push_str(&format!(
        "{} pairs in {}; write same, different or unsure into the column verdict\n",
        drawn.len(),
        args.out.display()
    ));
    let next = format!("audit --verdicts {} --by NAME", args.out.display());
    Ok(Outcome::new(text, json!({ "pairs": drawn.len(), "strata": strata })).next(next))
}

/// The values of the sampled records, from the staged people.
fn fill(session: &Session, wanted: &mut BTreeMap<String, [String; 5]>) -> Result<()> {
    let folder = Folder::open(&session.layout.stage())?;
    for &source in Source::ALL.iter().filter(|source| folder.has::<people::Table>(Some(**source))) {
        for columns in folder.read::<people::Table>(Some(source))? {
            for row in columns?.rows() {
                if let Some(values) = wanted.get_mut(&RecordKey { source, id: row.source_id }.to_string()) {
                    let born_on = row.born_on.map(|day| day.to_string());
                    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
                    let (email, phone) = (text(row.email), text(row.phone));
                    *values = [email, phone, text(row.first_name), text(row.last_name), born_on.unwrap_or_default()];
                }
            }
        }
    }
    Ok(())
}

fn verdicts(session: &Session, pairs: &[Pair], path: &Path, by: Option<&str>) -> Result<Outcome> {
    let unreadable = |what: String| Fault::new(Exit::Input, what).at(path.display().to_string());
    let mut reader = csv::Reader::from_path(path).map_err(|error| unreadable(format!("the verdicts cannot be read: {error}")))?;
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        let found = header.iter().position(|known| known == name);
        found.ok_or_else(|| {
            unreadable(format!("the verdicts have no column {name:?}")).help("judge a file that audit --sample wrote")
        })
    };
    let (a, b, verdict) = (column("a")?, column("b")?, column("verdict")?);
    let known: BTreeMap<(&str, &str), &Pair> = pairs.iter().map(|pair| ((pair.a.as_str(), pair.b.as_str()), pair)).collect();
    let (mut counts, mut stale, mut unsure): (BTreeMap<&str, (u64, u64)>, u64, u64) = Default::default();
    let mut decisions = Vec::new();
    for (record, line) in reader.records().zip(2..) {
        let record = record.map_err(|_| unreadable(format!("line {line} is no CSV")))?;
        let field = |at: usize| record.get(at).unwrap_or_default().trim();
        let is_same = match field(verdict).to_lowercase().as_str() {
            "same" => true,
            "different" => false,
            "" | "unsure" => {
                unsure += 1;
                continue;
            }
            _ => return Err(unreadable(format!("line {line}: a verdict is same, different or unsure")).into()),
        };
        let Some(pair) = known.get(&(field(a), field(b))) else {
            stale += 1;
            continue;
        };
        let (same, judged) = counts.entry(pair.stratum.as_str()).or_default();
        *judged += 1;
        *same += u64::from(is_same);
        if is_same != pair.is_linked {
            let kind = if is_same { "must-link" } else { "cannot-link" };
            decisions.push([kind.to_owned(), pair.a.clone(), pair.b.clone()]);
        }
    }
    report(session, pairs, &counts, (stale, unsure), decisions, by)
}

type Counts<'a> = BTreeMap<&'a str, (u64, u64)>;

fn report(
    session: &Session,
    pairs: &[Pair],
    counts: &Counts<'_>,
    (stale, unsure): (u64, u64),
    decisions: Vec<[String; 3]>,
    by: Option<&str>,
) -> Result<Outcome> {
    let size = |name: &str| pairs.iter().filter(|pair| pair.stratum == name).count() as u64;
    let strata: Vec<_> = counts.iter().map(|(name, (same, judged))| (Precision::of(name, *same, *judged), size(name))).collect();
    let mut text = String::new();
    for (precision, size) in &strata {
        let judged = format!("{} of {} judged", precision.judged, thousands(*size));
        text.push_str(&format!("   {:<40} {judged:>22}   one person {}\n", precision.stratum, precision.words()));
    }
    let links: Vec<_> = strata.into_iter().filter(|(precision, _)| precision.stratum != "CANDIDATE").collect();
    let (same, judged) = links.iter().fold((0, 0), |(same, judged), (one, _)| (same + one.same, judged + one.judged));
    let all = Precision::of("links", same, judged);
    text.push_str(&format!(
        "{judged} links judged: {}; weighted by the size of each kind {:.2} %\n{unsure} unsure, {stale} no longer a pair\n",
        all.words(),
        overall(&links) * 100.0
    ));
    if stale > 0 {
        text.push_str(" ! the sample is of another resolution: draw a new one to judge the links that stand now\n");
    }
    let written = decisions.len();
    if written > 0 {
        let path = session.config.resolve(&session.config.identity.decisions);
        append(&path, decisions, by.unwrap_or("audit"), &session.now.to_string())?;
        text.push_str(&format!("{written} decisions added to {}; they hold from the next make resolve on\n", path.display()));
    }
    let verdicts = i64::try_from(judged).unwrap_or(i64::MAX);
    let summary = json!({ "verdicts": verdicts, "precision": all.words(), "weighted": overall(&links), "decisions": written });
    Ok(Outcome::new(text, summary).next(if written > 0 { "make resolve build score load verify" } else { "make checklist" }))
}

/// Adds lines to the decisions file; those that are there already are not repeated.
fn append(path: &Path, decisions: Vec<[String; 3]>, by: &str, at: &str) -> Result<()> {
    let mut text = crate::store::read_text(path)?.unwrap_or_default();
    if text.trim().is_empty() {
        text = format!("{}\n", crate::resolve::DECISIONS_HEADER.join(","));
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for [kind, a, b] in decisions {
        if !text.contains(&format!("{kind},{a},{b},")) {
            writer.write_record([&kind, &a, &b, "sample audit", by, at])?;
        }
    }
    text.push_str(&String::from_utf8(writer.into_inner().context("memory takes bytes")?)?);
    replace_file(path, text.as_bytes())
}
