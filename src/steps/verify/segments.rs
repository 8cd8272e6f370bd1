//! The refreshed segments in the files, and their rules, which are evaluated a second time in SQL.

use anyhow::Result;

use crate::pg::verify::segments::Refreshed;
use crate::segment::Definition;
use crate::sources::crm::segments;
use crate::steps::verify::folders::Folders;
use crate::tables::score::refreshes;

/// The definitions of the segments that were refreshed.
pub fn definitions(folders: &Folders) -> Result<Vec<Definition>> {
    let clubs = clubs(folders)?;
    let mut definitions = Vec::new();
    for batch in folders.score.read::<refreshes::Table>(None)? {
        // Failed segments keep their members, so there is nothing to compare.
        definitions.extend(batch?.rows().filter(|row| row.error.is_none()).map(|row| Definition {
            id: row.segment_id.to_owned(),
            tenant_id: row.tenant_id.to_owned(),
            club_id: clubs.iter().find(|(id, _)| id == row.segment_id).map(|(_, club)| club.clone()),
            name: row.name.to_owned(),
            criteria: row.rule.map(str::to_owned),
            combinator: None,
            is_refreshed: true,
            is_new: row.is_new,
        }));
    }
    Ok(definitions)
}

/// The expected state of each refreshed segment in the CRM.
pub fn refreshed(folders: &Folders) -> Result<Vec<Refreshed>> {
    let mut refreshed = Vec::new();
    for batch in folders.score.read::<refreshes::Table>(None)? {
        refreshed.extend(batch?.rows().map(|row| Refreshed {
            id: row.segment_id.to_owned(),
            tenant_id: row.tenant_id.to_owned(),
            name: row.name.to_owned(),
            criteria: row.rule.map(str::to_owned),
            combinator: None,
            club_id: None,
            is_new: row.is_new,
            refreshed_at: row.refreshed_at.to_string(),
            error: row.error.map(str::to_owned),
        }));
    }
    if let Some(folder) = &folders.exports_crm {
        for batch in folder.read::<segments::Table>(None)? {
            for row in batch?.rows() {
                if let Some(segment) = refreshed.iter_mut().find(|segment| segment.id == row.id && !segment.is_new) {
                    segment.criteria = row.criteria.map(str::to_owned);
                    segment.combinator = row.combinator.map(str::to_owned);
                    segment.club_id = row.club_id.map(str::to_owned);
                }
            }
        }
    }
    Ok(refreshed)
}

/// The clubs of the segments that belong to one.
fn clubs(folders: &Folders) -> Result<Vec<(String, String)>> {
    let mut clubs = Vec::new();
    if let Some(folder) = &folders.exports_crm {
        for batch in folder.read::<segments::Table>(None)? {
            clubs.extend(batch?.rows().filter_map(|row| Some((row.id.to_owned(), row.club_id?.to_owned()))));
        }
    }
    Ok(clubs)
}
