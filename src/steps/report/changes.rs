//! Differences from the run before, computed from the folders in `data/previous`.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::cli::Session;
use crate::model::{Code as _, RecordKey, Source};
use crate::report::numbers::{ChangedId, ChangedIds, ReportChange};
use crate::steps::compare::rows::differences;
use crate::store::{Folder, all_run_records};
use crate::tables::resolution::{links, profile_changes};
use crate::tables::{Table, crm};

/// Ids that are listed of each kind of change; the CSV of `inspect` and the query have all.
const LISTED: usize = 50;

/// The differences from the run before.
#[derive(Default)]
pub struct Changes {
    /// The run before, in words; `None` if there was none.
    pub before: Option<String>,
    /// Rows of each dataset now and before, and the numbers of records that changed.
    pub counts: Vec<ReportChange>,
    /// The records and profiles that changed.
    pub ids: Vec<ChangedIds>,
}

/// Rows of each dataset now and before, and the records that are new, gone, or in another profile.
pub fn since_last_run(session: &Session, [built, resolved]: [&Folder; 2]) -> Result<Changes> {
    let mut ids = of_earlier_loads(resolved)?;
    let Some(former_crm) = Folder::find_readable(&session.layout.previous("crm")) else {
        return Ok(Changes { ids, ..Changes::default() });
    };
    let rows = |folder: &Folder, stem: &str| {
        folder
            .manifest
            .files
            .get(&format!("{stem}.parquet"))
            .map(|entry| i64::try_from(entry.rows).expect("counts fit in 63 bits"))
    };
    let mut counts: Vec<ReportChange> = [
        ("profiles", crm::customer_profiles::Table::stem(None)),
        ("aliases", crm::identity_aliases::Table::stem(None)),
        ("consents", crm::marketing_consents::Table::stem(None)),
        ("activities", crm::activities::Table::stem(None)),
        ("campaign interactions", crm::campaign_interactions::Table::stem(None)),
        ("pairs in the CRM's review queue", crm::duplicate_candidates::Table::stem(None)),
    ]
    .into_iter()
    .map(|(name, stem)| ReportChange {
        name: name.to_owned(),
        before: rows(&former_crm, &stem),
        now: rows(built, &stem).unwrap_or(0),
    })
    .collect();
    if let Some(former) = Folder::find_readable(&session.layout.previous("resolve")) {
        let moved = moved(&former, resolved)?;
        counts.extend(moved.iter().map(|of| ReportChange { name: of.what.clone(), before: None, now: of.count }));
        ids.splice(0..0, moved);
    }
    Ok(Changes { before: Some(run_before(session, &former_crm)?), counts, ids })
}

/// The consolidation whose datasets were replaced. Without its record, what the datasets say about themselves.
fn run_before(session: &Session, former: &Folder) -> Result<String> {
    let phase = former.manifest.phase.unwrap_or(0);
    let records = all_run_records(&session.layout)?;
    let wrote = |record: &&Value| {
        record["step"] == "consolidate" && record["result"]["phase"].is_u64() && record["result"]["unchanged"] != true
    };
    let known = records.iter().filter(wrote).rev().nth(1).filter(|record| record["result"]["phase"] == phase);
    Ok(match known.and_then(|record| record["run"].as_str()) {
        Some(run) => format!("run {run}, phase {phase}"),
        None => format!("a run of phase {phase}, as of {}", former.manifest.as_of),
    })
}

/// Profiles in the CRM that merged, split or vanished.
fn of_earlier_loads(resolved: &Folder) -> Result<Vec<ChangedIds>> {
    let mut found = ChangedIds { what: "profiles of the CRM that merged, split or vanished".to_owned(), ..ChangedIds::default() };
    for columns in resolved.read::<profile_changes::Table>(None)? {
        for row in columns?.rows() {
            let now: Vec<&str> = row.new_profile_ids.iter().collect();
            let now = if now.is_empty() { row.change.to_owned() } else { format!("{}: {}", row.change, now.join(", ")) };
            add(&mut found, || ChangedId { id: row.old_profile_id.to_owned(), before: None, now: Some(now.clone()) });
        }
    }
    Ok(if found.count > 0 { vec![found] } else { Vec::new() })
}

fn add(to: &mut ChangedIds, id: impl FnOnce() -> ChangedId) {
    to.count += 1;
    if to.shown.len() < LISTED {
        to.shown.push(id());
    }
}

/// Records that are new, gone, or in another profile, in record order.
fn moved(former: &Folder, now: &Folder) -> Result<Vec<ChangedIds>> {
    let kind = |what: &str| ChangedIds { what: what.to_owned(), ..ChangedIds::default() };
    let (mut new, mut gone) = (kind("records that are new"), kind("records that are gone"));
    let mut moved = kind("records that changed their profile");
    differences(links::Table::STEM, &links::Table::dataset(), [former, now], &mut |row| {
        let [before, now] = row.both("profile_id")?;
        let kind = match (row.before, row.after) {
            (None, _) => &mut new,
            (_, None) => &mut gone,
            _ if before == now => return Ok(()),
            _ => &mut moved,
        };
        let (source, id) = (row.either("source")?.unwrap_or_default(), row.either("source_id")?.unwrap_or_default());
        let source = Source::from_code(&source).context("a link names a source")?;
        add(kind, || ChangedId { id: RecordKey { source, id: &id }.to_string(), before, now });
        Ok(())
    })?;
    Ok(vec![moved, new, gone])
}
