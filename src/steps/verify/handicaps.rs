//! The latest valid handicap of every legacy member with a history, computed a second time for verification.

use anyhow::Result;
use hashbrown::HashMap;

use crate::model::{Handicap, RecordKey, Source, Timestamp, record_order};
use crate::steps::verify::folders::Folders;
use crate::tables::stage::handicaps;

/// By member: the handicap and the instant it is valid from.
pub type LatestByMember = HashMap<String, (Handicap, Timestamp), foldhash::fast::FixedState>;

/// For each member the latest valid handicap up to as_of, among equals the one with the highest id.
pub fn latest(folders: &Folders) -> Result<LatestByMember> {
    let mut latest = LatestByMember::default();
    if !folders.stage.has::<handicaps::Table>(Some(Source::McaZa)) {
        return Ok(latest);
    }
    let mut ids: HashMap<String, String, foldhash::fast::FixedState> = HashMap::default();
    for columns in folders.stage.read::<handicaps::Table>(Some(Source::McaZa))? {
        let columns = columns?;
        for row in columns.rows() {
            let (Some(value), Some(at)) = (row.handicap, row.effective_at.filter(|&at| at <= folders.as_of)) else { continue };
            let is_later = match latest.get(row.source_id).zip(ids.get(row.source_id)) {
                None => true,
                Some((&(_, known_at), id)) => {
                    let key = |id| RecordKey { source: Source::McaZa, id };
                    at.cmp(&known_at).then_with(|| record_order(key(row.row_id), key(id))).is_gt()
                }
            };
            if is_later {
                latest.insert(row.source_id.to_owned(), (value, at));
                ids.insert(row.source_id.to_owned(), row.row_id.to_owned());
            }
        }
    }
    Ok(latest)
}
