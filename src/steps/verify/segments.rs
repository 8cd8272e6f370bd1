//! The rules of the refreshed segments, ready to be evaluated a second time in SQL.

use anyhow::Result;

use crate::cli::Session;
use crate::pg::verify::checks::Finding;
use crate::pg::verify::session::Verifier;
use crate::segment::{Definition, Refresh};
use crate::sources::crm::segments;
use crate::steps::score::zone;
use crate::steps::verify::folders::Folders;
use crate::tables::score::refreshes;

/// What SQL over the CRM finds, compared with the members that were loaded.
pub fn compare(session: &Session, folders: &Folders, verifier: &Verifier) -> Result<Vec<Finding>> {
    let clubs = clubs(folders)?;
    let mut definitions = Vec::new();
    for batch in folders.score.read::<refreshes::Table>(None)? {
        // Those that failed keep their members and have nothing to compare.
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
    let refresh = Refresh::new(definitions, folders.as_of, |tenant| zone(session, tenant), 0);
    verifier.ask_segments(&refresh.questions())
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
