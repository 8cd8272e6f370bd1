//! Differences from the run before, computed from the folders in `data/previous`.

use anyhow::Result;
use hashbrown::HashMap;

use crate::cli::Session;
use crate::model::{RecordKey, Source};
use crate::report::numbers::{ChangedId, ChangedIds, ReportChange};
use crate::store::Folder;
use crate::tables::{Table, crm, resolution};

/// Ids that are listed of each kind of change; the CSV of `inspect` and the query have all.
const LISTED: usize = 50;

/// The differences from the run before.
#[derive(Default)]
pub struct Changes {
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
        ("duplicate candidates", crm::duplicate_candidates::Table::stem(None)),
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
    Ok(Changes { counts, ids })
}

/// Profiles in the CRM that merged, split or vanished.
fn of_earlier_loads(resolved: &Folder) -> Result<Vec<ChangedIds>> {
    let mut found = ChangedIds { what: "profiles of the CRM that merged, split or vanished".to_owned(), ..ChangedIds::default() };
    for columns in resolved.read::<resolution::profile_changes::Table>(None)? {
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

fn moved(former: &Folder, now: &Folder) -> Result<Vec<ChangedIds>> {
    let before = former.read_all::<resolution::links::Table>(None)?;
    let rows = || before.iter().flat_map(resolution::links::Columns::rows);
    // The place of each record among the former rows, and its profile then.
    let mut held: HashMap<(Source, &str), (usize, Option<&str>), foldhash::fast::FixedState> = HashMap::default();
    held.extend(rows().enumerate().map(|(place, row)| ((row.source, row.source_id), (place, row.profile_id))));
    let mut is_gone = vec![true; held.len()];
    let kind = |what: &str| ChangedIds { what: what.to_owned(), ..ChangedIds::default() };
    let (mut new, mut gone) = (kind("records that are new"), kind("records that are gone"));
    let mut moved = kind("records that changed their profile");
    let id = |(source, id): (Source, &str), before: Option<&str>, now: Option<&str>| ChangedId {
        id: RecordKey { source, id }.to_string(),
        before: before.map(str::to_owned),
        now: now.map(str::to_owned),
    };
    for columns in now.read::<resolution::links::Table>(None)? {
        for row in columns?.rows() {
            let key = (row.source, row.source_id);
            match held.get(&key) {
                None => add(&mut new, || id(key, None, row.profile_id)),
                Some(&(place, profile)) => {
                    is_gone[place] = false;
                    if profile != row.profile_id {
                        add(&mut moved, || id(key, profile, row.profile_id));
                    }
                }
            }
        }
    }
    for (row, _) in rows().zip(&is_gone).filter(|(_, is_gone)| **is_gone) {
        add(&mut gone, || id((row.source, row.source_id), row.profile_id, None));
    }
    Ok(vec![moved, new, gone])
}
