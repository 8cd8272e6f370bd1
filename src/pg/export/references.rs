//! Finds the tables and columns that a statement reads, so that everything missing is reported at once, with suggestions.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::did_you_mean;
use crate::pg::quote_identifier;

/// The tables that are visible without a schema name, with their columns and types.
pub type VisibleTables = BTreeMap<String, BTreeMap<String, String>>;

/// The tables that a statement reads, with the columns it reads through their aliases.
pub fn references(sql: &str) -> BTreeMap<String, BTreeSet<String>> {
    let tokens = tokens(sql);
    let word = |at: usize| tokens.get(at).and_then(Token::keyword);
    let is = |at: usize, symbol: char| matches!(tokens.get(at), Some(Token::Symbol(found)) if *found == symbol);
    let name = |at: usize| tokens.get(at).and_then(Token::name);

    let mut aliases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for at in 0..tokens.len() {
        let opens = matches!(word(at), Some("from" | "join")) && (at == 0 || word(at - 1) != Some("distinct"));
        let Some(table) = name(at + 1).filter(|_| opens && !is(at + 2, '(') && !is(at + 2, '.')) else { continue };
        let after = if word(at + 2) == Some("as") { at + 3 } else { at + 2 };
        let alias = name(after).filter(|_| !word(after).is_some_and(|word| KEYWORDS.contains(&word)));
        aliases.entry(alias.unwrap_or(table)).or_default().insert(table);
    }
    // Names that the statement defines itself: `with records as (…)`.
    let own: BTreeSet<&str> =
        (0..tokens.len()).filter(|&at| word(at + 1) == Some("as") && is(at + 2, '(')).filter_map(name).collect();
    aliases.values_mut().for_each(|tables| tables.retain(|table| !own.contains(table)));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for table in aliases.values().flatten() {
        found.entry((*table).to_owned()).or_default();
    }
    for at in 0..tokens.len() {
        let (Some(alias), true, Some(column)) = (name(at), is(at + 1, '.'), name(at + 2)) else { continue };
        // An alias for different tables in different places is ambiguous.
        let tables = aliases.get(alias).filter(|tables| tables.len() == 1);
        if let Some(table) = tables.and_then(BTreeSet::first) {
            found.entry((*table).to_owned()).or_default().insert(column.to_owned());
        }
    }
    found
}

/// Descriptions of the missing tables and columns of a statement, and suggestions.
pub fn missing(sql: &str, catalog: &VisibleTables) -> (Vec<String>, Vec<String>) {
    let (mut lacks, mut advice) = (Vec::new(), Vec::new());
    for (table, columns) in references(sql) {
        let Some(present) = catalog.get(&table) else {
            lacks.push(format!("table {}", quote_identifier(&table)));
            if let Some(near) = did_you_mean(&table, catalog.keys().map(String::as_str)) {
                advice.push(format!("table {}: did you mean {}?", quote_identifier(&table), quote_identifier(near)));
            }
            continue;
        };
        for column in columns.iter().filter(|column| !present.contains_key(*column)) {
            let full = format!("{}.{}", quote_identifier(&table), quote_identifier(column));
            let unread = present.keys().filter(|name| !columns.contains(*name)).map(String::as_str);
            if let Some(near) = did_you_mean(column, unread) {
                advice.push(format!("{full}: did you mean {} (present, {})?", quote_identifier(near), present[near]));
            }
            lacks.push(format!("column {full}"));
        }
    }
    (lacks, advice)
}

/// Words that may follow a table where an alias could stand.
const KEYWORDS: [&str; 16] = [
    "where", "on", "using", "left", "right", "full", "inner", "cross", "join", "group", "order", "limit", "union", "having",
    "window", "natural",
];

/// Columns of tables that statements read, and whole tables, that no statement reads.
pub fn unread<'a>(statements: impl Iterator<Item = &'a str>, catalog: &VisibleTables) -> Vec<String> {
    let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, columns) in statements.flat_map(references) {
        read.entry(table).or_default().extend(columns);
    }
    let (mut unread, mut tables) = (Vec::new(), Vec::new());
    for (table, present) in catalog {
        match read.get(table) {
            None => tables.push(format!("table {}", quote_identifier(table))),
            Some(columns) => unread.extend(
                present
                    .keys()
                    .filter(|column| !columns.contains(*column))
                    .map(|column| format!("column {}.{}", quote_identifier(table), quote_identifier(column))),
            ),
        }
    }
    unread.extend(tables);
    unread
}

enum Token<'a> {
    Bare(&'a str),
    Quoted(String),
    Symbol(char),
}

impl Token<'_> {
    fn keyword(&self) -> Option<&str> {
        match self {
            Self::Bare(word) => Some(word),
            Self::Quoted(_) | Self::Symbol(_) => None,
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Bare(word) => Some(word),
            Self::Quoted(word) => Some(word),
            Self::Symbol(_) => None,
        }
    }
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let end = rest[1..].find('"').map_or(rest.len(), |end| end + 1);
                tokens.push(Token::Quoted(rest[1..end].to_owned()));
                (end + 1).min(rest.len())
            }
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if first.is_alphanumeric() || first == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Bare(&rest[..end]));
                end
            }
            _ => {
                if !first.is_whitespace() {
                    tokens.push(Token::Symbol(first));
                }
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "select
      m.\"id\"::text as id, -- from nowhere n
      t.\"name\" as tier,
      extract(year from m.\"createdAt\") as year,
      'from x y' as words,
      latest.value
    from \"Member\" m
    left join \"Tier\" t on t.\"id\" = m.\"tierId\"
    left join (select h.value from handicaps h where h.value is distinct from m.limit_value) latest on true
    order by m.\"id\";";

    #[test]
    fn tables_and_columns_are_found_through_aliases() {
        let found = references(SQL);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["Member", "Tier", "handicaps"]);
        assert_eq!(found["Member"].iter().collect::<Vec<_>>(), ["createdAt", "id", "limit_value", "tierId"]);
        assert_eq!(found["handicaps"].iter().collect::<Vec<_>>(), ["value"]);
    }

    #[test]
    fn what_no_statement_reads_is_listed() {
        let columns = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "text".to_owned())).collect();
        let catalog = VisibleTables::from([
            ("Member".to_owned(), columns(&["id", "createdAt", "limit_value", "notes", "tierId", "vip"])),
            ("Audit".to_owned(), columns(&["id"])),
            ("Tier".to_owned(), columns(&["id", "name"])),
        ]);
        assert_eq!(
            unread([SQL].into_iter(), &catalog),
            [r#"column "Member"."notes""#, r#"column "Member"."vip""#, r#"table "Audit""#]
        );
        let both = [SQL, "select m.vip as vip from \"Member\" m order by m.vip;"];
        assert_eq!(unread(both.into_iter(), &catalog), [r#"column "Member"."notes""#, r#"table "Audit""#]);
    }

    #[test]
    fn everything_missing_is_reported_with_suggestions() {
        let columns = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "text".to_owned())).collect();
        let catalog = VisibleTables::from([
            ("Member".to_owned(), columns(&["id", "createdAtt", "limit_value", "tierId"])),
            ("Tiers".to_owned(), columns(&["id"])),
            ("handicaps".to_owned(), columns(&["value"])),
        ]);
        let (lacks, advice) = missing(SQL, &catalog);
        assert_eq!(lacks, [r#"column "Member"."createdAt""#, r#"table "Tier""#]);
        assert_eq!(
            advice,
            [r#""Member"."createdAt": did you mean "createdAtt" (present, text)?"#, r#"table "Tier": did you mean "Tiers"?"#]
        );
    }
}
