//! Safety checks before an export or a load: entities that lost rows, a CRM export of another CRM, a lower phase. Each names the
//! option that allows it.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::cli::Session;
use crate::fault::{Exit, Fault};
use crate::model::{Code as _, Phase, Source, counted, did_you_mean, thousands};
use crate::sources;
use crate::store::Folder;

/// The fact of a database export that names the database.
pub const DATABASE: &str = "database";
/// Prefix of facts that describe a table that was read.
pub const TABLE: &str = "table ";

/// An entity that is empty or lost more than a fifth of its loaded rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// `teetime.players`
    pub entity: String,
    /// Rows that are loaded.
    pub loaded: u64,
    /// Rows of the export.
    pub exported: u64,
}

impl Shrunk {
    /// The message, with the option that allows it.
    pub fn words(&self) -> String {
        let (rows, loaded) = (counted(self.exported, "row"), thousands(self.loaded));
        let lost = (self.loaded - self.exported) * 100 / self.loaded;
        format!("{0}: {rows}, {loaded} are loaded (−{lost} %); if that is right: --allow-shrink {0}", self.entity)
    }
}

/// Whether less than four fifths of the rows are left.
pub fn is_shrunk(before: u64, now: u64) -> bool {
    now.saturating_mul(5) < before.saturating_mul(4)
}

/// Entities that lost more than a fifth of their loaded rows, except the allowed ones.
pub fn shrunk(exported: &[(String, u64)], loaded: &BTreeMap<String, u64>, allowed: &[String]) -> Vec<Shrunk> {
    let is_allowed = |entity: &str| {
        let name = entity.rsplit('.').next().unwrap_or(entity);
        allowed.iter().any(|allowed| allowed == entity || allowed == name)
    };
    let found = exported.iter().filter(|(entity, _)| !is_allowed(entity)).filter_map(|(entity, rows)| {
        let before = *loaded.get(entity)?;
        is_shrunk(before, *rows).then(|| Shrunk { entity: entity.clone(), loaded: before, exported: *rows })
    });
    found.collect()
}

/// Rows of every exported entity of a phase.
pub fn entities(session: &Session, phase: Phase) -> Result<Vec<(String, u64)>> {
    let mut rows = Vec::new();
    for source in phase.sources() {
        let folder = Folder::open(&session.layout.exports(source))?;
        for export in sources::exports(source) {
            let listed = folder.manifest.files.get(&format!("{}.parquet", export.dataset.stem));
            rows.push((format!("{source}.{}", export.entity), listed.map_or(0, |entry| entry.rows)));
        }
    }
    Ok(rows)
}

/// Fails for names of entities that do not exist.
pub fn check_names(allowed: &[String]) -> Result<()> {
    let known = Source::ALL.iter().flat_map(|source| {
        sources::exports(*source)
            .into_iter()
            .flat_map(move |export| [format!("{source}.{}", export.entity), export.entity.to_owned()])
    });
    let known: Vec<String> = known.collect();
    let Some(wrong) = allowed.iter().find(|name| !known.contains(name)) else { return Ok(()) };
    let fault = Fault::new(Exit::Usage, format!("there is no entity {wrong:?}")).at("--allow-shrink");
    Err(match did_you_mean(wrong, known.iter().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean {near:?}?")),
        None => fault.help("entities are named as in teetime.players; make inspect lists the exported ones"),
    }
    .into())
}

/// Columns that a source's tables lost or changed since the saved export, and columns that are new.
pub fn drift(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> (Vec<String>, Vec<String>) {
    let (mut changed, mut gained) = (Vec::new(), Vec::new());
    for (table, columns) in now.iter().filter(|(name, _)| name.starts_with(TABLE)) {
        let Some(former) = before.get(table) else { continue };
        let (former, now) = (columns_of(former), columns_of(columns));
        let table = table.trim_start_matches(TABLE);
        for (column, kind) in &former {
            match now.get(column) {
                None => changed.push(format!("{table}.{column} ({kind}) is missing")),
                Some(other) if other != kind => changed.push(format!("{table}.{column} was {kind}, is {other}")),
                Some(_) => {}
            }
        }
        let new = now.iter().filter(|(column, _)| !former.contains_key(*column));
        gained.extend(new.map(|(column, kind)| format!("{table}.{column} ({kind}) is new")));
    }
    (changed, gained)
}

fn columns_of(described: &str) -> BTreeMap<&str, &str> {
    // A type may contain a comma, as in numeric(10,2), but not followed by a blank.
    described.split(", ").filter_map(|column| column.split_once(' ')).collect()
}

/// Fails if the source's tables changed since the saved export, or if it reads the tables of another source's export. Lists all
/// at once.
pub fn check_source(
    session: &Session,
    code: &str,
    facts: &BTreeMap<String, String>,
    saved: Option<&Folder>,
    allow_drift: bool,
    allow_shared: bool,
) -> Result<()> {
    let (changed, gained) = saved.map(|saved| drift(&saved.manifest.facts, facts)).unwrap_or_default();
    for column in gained {
        session.progress.warn(format!("{code}: {column} since the saved export"));
    }
    let mut reasons = Vec::new();
    if !allow_drift {
        reasons.extend(
            changed.into_iter().map(|column| format!("{column} since the saved export; if that is intended: --allow-drift")),
        );
    }
    if !allow_shared {
        for other in Source::ALL.iter().filter(|other| other.to_string() != code) {
            let Some(folder) = Folder::find_readable(&session.layout.exports(*other)) else { continue };
            if let Some(table) = shared_table(facts, &folder.manifest.facts) {
                reasons.push(format!(
                    "the export of {other} read table {table} of the same database; is the URL right? if they share it: --allow-shared"
                ));
            }
        }
    }
    refuse(code, reasons)
}

/// A table of the same database and schema that both exports read.
fn shared_table<'a>(facts: &'a BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Option<&'a str> {
    let same = |name: &str| facts.get(name).is_some_and(|value| !value.is_empty() && other.get(name) == Some(value));
    if !same(DATABASE) || !same("search_path") {
        return None;
    }
    facts.keys().find(|name| name.starts_with(TABLE) && other.contains_key(*name)).map(|name| name.trim_start_matches(TABLE))
}

/// Fails for dumps that were already read for another source.
pub fn check_dumps(session: &Session, code: &str, inputs: &BTreeMap<String, String>, rows: impl Fn(&str) -> i64) -> Result<()> {
    let mut reasons = Vec::new();
    for other in Source::ALL.iter().filter(|other| other.to_string() != code) {
        let Some(folder) = Folder::find_readable(&session.layout.exports(*other)) else { continue };
        for (name, hash) in inputs.iter().filter(|(name, _)| rows(name.trim_end_matches(".csv")) > 0) {
            if let Some((theirs, _)) = folder.manifest.inputs.iter().find(|(_, other)| *other == hash) {
                reasons.push(format!("{name} is the same file as {theirs} of {other}; if they share it: --allow-shared"));
            }
        }
    }
    refuse(code, reasons)
}

fn refuse(code: &str, reasons: Vec<String>) -> Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    let many = if reasons.len() == 1 { "one reason".to_owned() } else { format!("{} reasons", reasons.len()) };
    let fault = Fault::new(Exit::Preflight, format!("the export of {code} was stopped, nothing was replaced: {many}")).at(code);
    Err(reasons.into_iter().fold(fault, Fault::help).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(of: &[(&str, u64)]) -> Vec<(String, u64)> {
        of.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect()
    }

    #[test]
    fn an_entity_may_lose_a_fifth_and_not_a_row_more() {
        let loaded = rows(&[("a.x", 100), ("a.y", 100), ("a.z", 0), ("a.gone", 5)]).into_iter().collect();
        let found = shrunk(&rows(&[("a.x", 80), ("a.y", 79), ("a.z", 0), ("a.new", 0)]), &loaded, &[]);
        assert_eq!(found, [Shrunk { entity: "a.y".to_owned(), loaded: 100, exported: 79 }]);
        assert_eq!(found[0].words(), "a.y: 79 rows, 100 are loaded (−21 %); if that is right: --allow-shrink a.y");
    }

    #[test]
    fn an_emptied_entity_is_allowed_by_its_full_or_short_name() {
        let (none, loaded) = (rows(&[("a.members", 0)]), rows(&[("a.members", 3)]).into_iter().collect());
        assert_eq!(shrunk(&none, &loaded, &["a.clubs".to_owned()]).len(), 1);
        for allowed in ["a.members", "members"] {
            assert_eq!(shrunk(&none, &loaded, &[allowed.to_owned()]), []);
        }
        assert_eq!(shrunk(&none, &BTreeMap::new(), &[]), [], "where nothing is loaded nothing can be lost");
    }

    #[test]
    fn columns_that_go_or_change_their_type_are_drift_and_new_ones_are_told() {
        let facts = |columns: &str| BTreeMap::from([("table Player".to_owned(), columns.to_owned())]);
        let before = facts("email text, handicap numeric(10,2), id bigint");
        let (changed, gained) = drift(&before, &facts("email citext, id bigint, nickname text"));
        assert_eq!(changed, ["Player.email was text, is citext", "Player.handicap (numeric(10,2)) is missing"]);
        assert_eq!(gained, ["Player.nickname (text) is new"]);
        assert_eq!(drift(&before, &before), (vec![], vec![]));
    }

    #[test]
    fn two_sources_share_a_table_only_in_one_schema_of_one_database() {
        let facts = |database: &str, path: &str, table: &str| {
            [(DATABASE, database), ("search_path", path), (table, "id int4")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
        };
        let ours = facts("1/7", "public", "table members");
        assert_eq!(shared_table(&ours, &facts("1/7", "public", "table members")), Some("members"));
        assert_eq!(shared_table(&ours, &facts("1/8", "public", "table members")), None);
        assert_eq!(shared_table(&ours, &facts("1/7", "uk", "table members")), None);
        assert_eq!(shared_table(&ours, &facts("1/7", "public", "table Member")), None);
    }
}
