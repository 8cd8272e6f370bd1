//! The same rows as database tables; each column has a type that can hold its values.

use std::collections::BTreeSet;

use crate::demo::random::Draws;
use crate::model::Source;

use super::meaning::{Chaos, File};

macro_rules! export {
    ($source:literal, $entity:literal) => {
        include_str!(concat!("../../../sql/exports/", $source, "/", $entity, ".sql"))
    };
}

/// The statements that export each entity: they say which table and column every exported column is of.
const EXPORTS: &[(Source, &str, &str)] = &[
    (Source::McaZa, "members", export!("mca_za", "members")),
    (Source::McaZa, "clubs", export!("mca_za", "clubs")),
    (Source::McaZa, "member_clubs", export!("mca_za", "member_clubs")),
    (Source::McaZa, "handicaps", export!("mca_za", "handicaps")),
    (Source::McaUk, "members", export!("mca_uk", "members")),
    (Source::McaUk, "clubs", export!("mca_uk", "clubs")),
    (Source::McaUk, "memberships", export!("mca_uk", "memberships")),
    (Source::Scl, "members", export!("scl", "members")),
    (Source::Scl, "membership_tiers", export!("scl", "membership_tiers")),
    (Source::Scl, "clubs", export!("scl", "clubs")),
    (Source::Scl, "sports", export!("scl", "sports")),
    (Source::Scl, "member_clubs", export!("scl", "member_clubs")),
    (Source::Scl, "sport_memberships", export!("scl", "sport_memberships")),
    (Source::Teetime, "players", export!("teetime", "players")),
    (Source::Teetime, "clubs", export!("teetime", "clubs")),
    (Source::Teetime, "courses", export!("teetime", "courses")),
    (Source::Teetime, "player_club_memberships", export!("teetime", "player_club_memberships")),
    (Source::Teetime, "associations", export!("teetime", "associations")),
    (Source::Teetime, "player_associations", export!("teetime", "player_associations")),
    (Source::Teetime, "player_preferences", export!("teetime", "player_preferences")),
    (Source::Teetime, "bookings", export!("teetime", "bookings")),
    (Source::Messaging, "contacts", export!("messaging", "contacts")),
    (Source::Messaging, "preferences", export!("messaging", "preferences")),
    (Source::Messaging, "consent_changes", export!("messaging", "consent_changes")),
    (Source::Messaging, "messages", export!("messaging", "messages")),
];

/// Types that some source may have chosen for a column; one that does not take every value is passed over.
fn types(column: &str) -> &'static [&'static str] {
    let name = column.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.trim_matches('"').ends_with(ending));
    if ends(&["at", "_date", "on", "time", "birth", "dob"]) && !name.contains("associ") {
        &["timestamptz", "timestamp", "timestamp(0)", "date", "text"]
    } else if ends(&["optin", "optedin", "before", "after", "is_home", "is_home_club"]) {
        &["boolean", "smallint", "varchar", "text"]
    } else if ends(&["id"]) {
        &["bigint", "integer", "numeric", "uuid", "varchar", "text", "numeric(20, 1)"]
    } else {
        &["varchar(4000)", "numeric", "text", "text"]
    }
}

/// Statements that make and fill the tables of a source.
pub fn statements(chaos: &Chaos, source: Source) -> Vec<String> {
    let mut made = Vec::new();
    for file in chaos.of(source) {
        let (.., sql) = EXPORTS.iter().find(|(of, entity, _)| *of == source && *entity == file.entity).expect("every entity");
        let (table, columns) = origin(file, sql);
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        made.push(format!(
            "create table {table} ({})",
            names.iter().map(|name| format!("{name} text")).collect::<Vec<_>>().join(", ")
        ));
        let mut known = BTreeSet::new();
        for row in &file.rows {
            // A table has no two rows of one key, and none without.
            if row[0].trim().is_empty() || !known.insert(row[..keys(file)].to_vec()) {
                continue;
            }
            let values: Vec<String> = columns.iter().map(|(_, at)| literal(&row[*at])).collect();
            made.push(format!("insert into {table} ({}) values ({})", names.join(", "), values.join(", ")));
        }
        for name in &names {
            let draws = &mut Draws::of(chaos.seed, &format!("{table}.{name}"), 0);
            let kind = draws.pick(types(name));
            made.push(format!(
                "do $$ begin alter table {table} alter column {name} type {kind} using {name}::{kind};
                 exception when others then null; end $$"
            ));
        }
    }
    made
}

/// How many columns of a file make its key.
fn keys(file: &File) -> usize {
    if file.columns[0] == "member_id" { 2 } else { 1 }
}

fn literal(cell: &str) -> String {
    if cell.is_empty() { "null".to_owned() } else { format!("'{}'", cell.replace('\'', "''")) }
}

/// The table of an export, and its columns with the place of each in the file.
fn origin(file: &File, sql: &str) -> (String, Vec<(String, usize)>) {
    let mut words = sql.split("\nfrom ").nth(1).unwrap_or_default().split_whitespace();
    let table = words.next().unwrap_or_default().to_owned();
    let alias = format!("{}.", words.next().unwrap_or_default().trim_end_matches(';'));
    let select = sql.split("\nfrom ").next().unwrap_or_default();
    let mut columns = Vec::new();
    for line in select.lines() {
        let Some((expression, name)) = line.trim_end_matches(',').rsplit_once(" as ") else { continue };
        let Some((before, _)) = expression.rsplit_once("::text") else { continue };
        let Some((_, column)) = before.rsplit_once(&alias) else { continue };
        if before.trim_start().starts_with(&alias) || before.trim_start().starts_with("case ") {
            let place = file.columns.iter().position(|known| *known == name).expect("a column of the export");
            columns.push((column.to_owned(), place));
        }
    }
    (table, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_own_columns_only() {
        let chaos = crate::demo::chaos::make(1);
        let made = statements(&chaos, Source::McaZa).join("\n");
        assert!(made.contains("create table members (id text, email text, phone text, first_name text"), "{made}");
        assert!(!made.contains("home_club_id text"), "{made}");
        let made = statements(&chaos, Source::Messaging).join("\n");
        assert!(
            made.contains(r#"create table "Contact" ("id" text, "tenantId" text"#) && made.contains(r#""deletedAt" text"#),
            "{made}"
        );
    }
}
