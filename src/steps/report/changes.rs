//! Differences from the run before, computed from the folders in `data/previous`.

use anyhow::Result;
use hashbrown::HashMap;

use crate::cli::Session;
use crate::model::Source;
use crate::report::numbers::ReportChange;
use crate::store::Folder;
use crate::tables::{Table, crm, resolution};

/// Rows of each dataset now and before, and the records that are new, gone, or in another profile.
pub fn since_last_run(session: &Session, [built, resolved]: [&Folder; 2]) -> Result<Vec<ReportChange>> {
    let Some(former_crm) = Folder::find_readable(&session.layout.previous("crm")) else { return Ok(Vec::new()) };
    let rows = |folder: &Folder, stem: &str| {
        folder
            .manifest
            .files
            .get(&format!("{stem}.parquet"))
            .map(|entry| i64::try_from(entry.rows).expect("counts fit in 63 bits"))
    };
    let mut changes: Vec<ReportChange> = [
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
        changes.extend(moved(&former, resolved)?);
    }
    Ok(changes)
}

fn moved(former: &Folder, now: &Folder) -> Result<Vec<ReportChange>> {
    let before = former.read_all::<resolution::links::Table>(None)?;
    let mut held: HashMap<(Source, &str), Option<&str>, foldhash::fast::FixedState> = HashMap::default();
    held.extend(
        before.iter().flat_map(resolution::links::Columns::rows).map(|row| ((row.source, row.source_id), row.profile_id)),
    );
    let (mut new, mut moved, mut seen) = (0, 0, 0);
    for columns in now.read::<resolution::links::Table>(None)? {
        for row in columns?.rows() {
            match held.get(&(row.source, row.source_id)) {
                None => new += 1,
                Some(profile) => {
                    seen += 1;
                    moved += i64::from(*profile != row.profile_id);
                }
            }
        }
    }
    let gone = i64::try_from(held.len()).expect("counts fit in 63 bits") - seen;
    let change = |name: &str, now| ReportChange { name: name.to_owned(), before: None, now };
    Ok(vec![
        change("records that are new", new),
        change("records that are gone", gone),
        change("records that changed their profile", moved),
    ])
}
