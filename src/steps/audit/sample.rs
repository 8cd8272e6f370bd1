//! Draws the sample and writes it as a CSV or as a page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::{AuditArgs, SIZE, page, pairs};
use crate::cli::{Session, StepOutcome};
use crate::fault::{Exit, Fault};
use crate::model::{Code, Gender, RecordKey, Source, Timestamp, counted, thousands};
use crate::resolve::evaluate::sample::{Pair, read_verdicts, sample};
use crate::steps::cells::defused;
use crate::store::{Folder, RunLock, create_private, is_stdout, read_lossy, write_output};
use crate::tables::dictionary::mask;
use crate::tables::stage::{identifiers, people};

/// A column of the person records that a reviewer sees.
pub(super) struct ReviewedColumn {
    /// Its name in the CSV.
    pub name: &'static str,
    /// Its name on the page.
    pub label: &'static str,
}

const fn column(name: &'static str, label: &'static str) -> ReviewedColumn {
    ReviewedColumn { name, label }
}

/// The columns in the order in which people compare them.
pub(super) const COLUMNS: [ReviewedColumn; 16] = [
    column("first_name", "given name"),
    column("last_name", "family name"),
    column("born_on", "born"),
    column("gender", "gender"),
    column("email", "email"),
    column("phone", "phone"),
    column("golf_rsa_id", "GolfRSA number"),
    column("cdh_id", "CDH number"),
    column("home_club_name", "home club"),
    column("mca_id", "MCA number"),
    column("auth_user_id", "login"),
    column("further", "further identifiers"),
    column("handicap", "handicap"),
    column("tenant_id", "tenant"),
    column("created_at", "record made"),
    column("updated_at", "record changed"),
];

/// The first columns, which the CSV has; more would be hard to read in a spreadsheet.
const IN_CSV: usize = 9;
/// The place of the further identifiers among the columns.
const FURTHER: usize = 11;

/// A value for display, and the form in which it is compared; empty for values that differ between records of one person.
#[derive(Clone, Debug, Default)]
pub(super) struct ReviewedValue {
    pub shown: String,
    pub compared: String,
}

/// The values of a record, one for each column.
pub(super) type ReviewedValues = [ReviewedValue; COLUMNS.len()];

/// Draws a sample and writes it.
pub(super) fn write(session: &Session, args: &AuditArgs) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "audit")?;
    let resolved = Folder::open(&session.layout.resolve())?;
    let size = args.sample.unwrap_or(SIZE);
    let drawn = sample(pairs(&resolved)?, size as usize, args.seed);
    let out = target(session, args)?;
    if args.html {
        page::write(session, &resolved, &drawn, args, &out)?;
    } else {
        keep_verdicts(&out)?;
        write_csv(session, &drawn, args.show, &out)?;
    }
    Ok(outcome(&drawn, size, args, &out))
}

/// The file to write; the folder of the default is created.
fn target(session: &Session, args: &AuditArgs) -> Result<PathBuf> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let folder = session.layout.audit();
    create_private(&folder)?;
    Ok(folder.join(if args.html { "sample.html" } else { "sample.csv" }))
}

fn write_csv(session: &Session, drawn: &[Pair], show: bool, out: &Path) -> Result<()> {
    let values = values(session, drawn.iter().flat_map(|pair| [pair.a.as_str(), pair.b.as_str()]))?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let sides = COLUMNS[..IN_CSV].iter().flat_map(|column| ["a", "b"].map(|side| format!("{side}_{}", column.name)));
    let header =
        ["a", "b", "linked", "stratum", "bits", "evidence", "verdict", "remark"].map(str::to_owned).into_iter().chain(sides);
    writer.write_record(header)?;
    for pair in drawn {
        let linked = if pair.is_linked { "yes" } else { "no" };
        let bits = format!("{:.2}", pair.weight.in_bits());
        let plain = [&pair.a, &pair.b, linked, &pair.stratum, &bits, &pair.evidence, "", ""].map(str::to_owned);
        let sides = values[&pair.a].iter().zip(&values[&pair.b]).take(IN_CSV).flat_map(|(a, b)| [&a.shown, &b.shown]);
        let shown = sides.map(|value| if show { defused(value.clone()) } else { mask(value) });
        writer.write_record(plain.into_iter().chain(shown))?;
    }
    write_output(out, &writer.into_inner().context("memory takes bytes")?)
}

fn outcome(drawn: &[Pair], size: u32, args: &AuditArgs, out: &Path) -> StepOutcome {
    let mut strata: BTreeMap<&str, usize> = BTreeMap::new();
    drawn.iter().for_each(|pair| *strata.entry(pair.stratum.as_str()).or_default() += 1);
    let mut text: String =
        strata.iter().map(|(name, count)| format!("   {name:<48} {:>8}\n", thousands(*count as u64))).collect();
    if drawn.len() > size as usize {
        text.push_str(&format!("more than {size}, because at least 5 of each of {} strata are drawn\n", strata.len()));
    }
    let how = if args.html {
        "open it in a browser; it saves the verdicts as verdicts.csv"
    } else {
        "write same, different or unsure into the column verdict"
    };
    text.push_str(&format!("{} in {}; {how}\n", counted(drawn.len() as u64, "pair"), out.display()));
    if !args.show {
        text.push_str("values are masked; --show writes them, for people who may see them\n");
    }
    let judged = if args.html { "verdicts.csv".to_owned() } else { out.display().to_string() };
    let summary = json!({ "pairs": drawn.len(), "strata": strata, "file": out.display().to_string() });
    StepOutcome::new(text, summary).next(format!("make audit ARGS=\"--verdicts {judged} --by NAME\""))
}

/// Fails if the file contains verdicts, or cannot be read, so that a new sample never overwrites them.
fn keep_verdicts(path: &Path) -> Result<()> {
    if is_stdout(path) {
        return Ok(());
    }
    let text = read_lossy(path)?.unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(());
    }
    let judged = read_verdicts(&text).map_err(|what| {
        let fault = Fault::new(Exit::Usage, format!("the file may contain verdicts that a new sample would overwrite: {what}"));
        fault
            .at(path.display().to_string())
            .help("correct or remove it, or write elsewhere: crm-backfill audit --sample 300 --out FILE")
    })?;
    let given = judged.iter().filter(|one| one.verdict.is_some()).count();
    if given == 0 {
        return Ok(());
    }
    let fault = Fault::new(Exit::Usage, format!("the file contains {given} verdicts, which a new sample would overwrite"));
    let read = format!("read them: make audit ARGS=\"--verdicts {} --by NAME\"", path.display());
    Err(fault
        .at(path.display().to_string())
        .help(read)
        .help("or write elsewhere: crm-backfill audit --sample 300 --out FILE")
        .into())
}

/// The values of records, from the staged person records.
pub(super) fn values<'a>(session: &Session, wanted: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, ReviewedValues>> {
    let mut found: BTreeMap<String, ReviewedValues> = wanted.map(|key| (key.to_owned(), ReviewedValues::default())).collect();
    let folder = Folder::open(&session.layout.stage())?;
    for &source in Source::ALL.iter().filter(|source| folder.has::<people::Table>(Some(**source))) {
        for columns in folder.read::<people::Table>(Some(source))? {
            for row in columns?.rows() {
                if let Some(values) = found.get_mut(&RecordKey { source, id: row.source_id }.to_string()) {
                    *values = of_row(&row);
                }
            }
        }
        for columns in folder.read::<identifiers::Table>(Some(source))? {
            for row in columns?.rows() {
                let Some(values) = found.get_mut(&RecordKey { source, id: row.source_id }.to_string()) else { continue };
                let further = &mut values[FURTHER];
                let gap = if further.shown.is_empty() { "" } else { ", " };
                further.shown.push_str(&format!("{gap}{} {}", row.code, row.value));
                further.compared.clone_from(&further.shown);
            }
        }
    }
    Ok(found)
}

fn of_row(row: &people::Row<'_>) -> ReviewedValues {
    let plain = |shown: String| ReviewedValue { compared: shown.clone(), shown };
    let text = |value: Option<&str>| plain(value.unwrap_or_default().to_owned());
    let keyed = |value: Option<&str>, key: Option<&str>| {
        let shown = value.unwrap_or_default();
        ReviewedValue { shown: shown.to_owned(), compared: key.unwrap_or(shown).to_owned() }
    };
    let day = |at: Option<Timestamp>| {
        let shown = at.map(|at| at.day().to_string()).unwrap_or_default();
        ReviewedValue { shown, compared: String::new() }
    };
    let gender = if row.gender == Gender::Unknown { "" } else { row.gender.code() };
    [
        keyed(row.first_name, row.first_key),
        keyed(row.last_name, row.last_key),
        plain(row.born_on.map(|day| day.to_string()).unwrap_or_default()),
        plain(gender.to_owned()),
        keyed(row.email, row.email_key),
        keyed(row.phone, row.phone_key),
        text(row.golf_rsa_id),
        text(row.cdh_id),
        text(row.home_club_name),
        text(row.mca_id),
        text(row.auth_user_id),
        ReviewedValue::default(),
        plain(row.handicap.map(|handicap| handicap.to_string()).unwrap_or_default()),
        text(row.tenant_id),
        day(row.created_at),
        day(row.updated_at),
    ]
}
