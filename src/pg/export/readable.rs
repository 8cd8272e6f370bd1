//! Adapts an export's statement to the types of the database's columns: casts to instants become casts that cannot fail, since staging
//! decides what is a time, and an id of text is joined with one of numbers. The text is edited because a session that may only read
//! cannot create functions, and because careful casts in the files themselves would keep every database from using its indexes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::pg::export::references::{VisibleTables, references};

/// Texts that every server reads as an instant, whatever its settings: ISO 8601 of a day that every year has, or every such month.
const INSTANT: &str = r"^\s*[1-9]\d{3}-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)([ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?( ?(Z|UTC|[+-](0\d|1[0-4])(:?[0-5]\d)?))?)?\s*$";

/// The statement as the types of the database's columns need it; unchanged where they are as declared.
pub fn readable(sql: &str, catalog: &VisibleTables) -> String {
    joined(&with_careful_casts(sql, catalog), catalog)
}

/// Joins whose sides may have types that the server does not compare: both as text, numbers without `.0`.
fn joined(sql: &str, catalog: &VisibleTables) -> String {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let class = |kind: &str| match kind.split(['(', ' ']).next().unwrap_or_default() {
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double" => "number",
        "text" | "character" | "name" | "citext" => "text",
        _ => "other",
    };
    let is_comparable = |one: &str, other: &str| class(one) == class(other) && (class(one) != "other" || one == other);
    let line = |line: &str| {
        let Some((before, sides)) = line.split_once(" on ") else { return line.to_owned() };
        let Some((left, right)) = sides.split_once(" = ") else { return line.to_owned() };
        let (right, end) = right.strip_suffix(';').map_or((right, ""), |right| (right, ";"));
        let (lefts, rights) = (types_of(left, &words, sql, catalog), types_of(right, &words, sql, catalog));
        let differ = lefts.iter().any(|one| rights.iter().any(|other| !is_comparable(one, other)));
        let plain = |side: &str| format!("regexp_replace({side}::text, '^(-?[0-9]+)[.]0+$', '\\1')");
        if differ { format!("{before} on {} = {}{end}", plain(left), plain(right)) } else { line.to_owned() }
    };
    sql.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The types that a column of a join may have: that of its alias's table; behind the alias of a subquery those of every table of the
/// statement with such a column, and of every column that is selected under its name.
fn types_of<'c>(side: &str, words: &[&str], sql: &str, catalog: &'c VisibleTables) -> Vec<&'c str> {
    let of = |table: &str, column: &str| catalog.get(table)?.get(column).map(String::as_str);
    let of_alias = |side: &str| {
        let (alias, column) = side.split_once('.')?;
        let is_named = |words: &&[&str]| matches!(words[0], "from" | "join") && words[2].trim_end_matches(';') == alias;
        words.windows(3).find(is_named).and_then(|named| of(named[1].trim_matches('"'), column.trim_matches('"')))
    };
    if let Some(kind) = of_alias(side) {
        return vec![kind];
    }
    let Some((_, column)) = side.split_once('.') else { return Vec::new() };
    let column = column.trim_matches('"');
    let is_renamed = |words: &&[&str]| words[1] == "as" && words[2].trim_end_matches(',') == column;
    let renamed = words.windows(3).filter(is_renamed).filter_map(|found| of_alias(found[0]));
    references(sql).keys().filter_map(|table| of(table, column)).chain(renamed).collect()
}

/// Casts of columns to instants that give infinity for what is none: such a row is read, and lies within any window. Columns of dates and
/// times keep the plain cast, which an index can serve.
fn with_careful_casts<'a>(sql: &'a str, catalog: &VisibleTables) -> Cow<'a, str> {
    const CAST: &str = "::timestamptz";
    let tables = references(sql);
    let is_time = |kind: &str| kind.starts_with("timestamp") || kind == "date";
    let may_fail = |column: &str| {
        let kinds = tables.keys().filter_map(|table| catalog.get(table)?.get(column));
        kinds.collect::<BTreeSet<_>>().into_iter().any(|kind| !is_time(kind))
    };
    let mut out = String::new();
    let mut rest = sql;
    while let Some(at) = rest.find(CAST) {
        let (before, after) = rest.split_at(at);
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '"' | '.'))).map_or(0, |at| at + 1);
        let column = &before[start..];
        let name = column.split_once('.').map(|(_, name)| name.trim_matches('"'));
        if name.is_some_and(may_fail) {
            out.push_str(&before[..start]);
            out.push_str(&format!(
                "coalesce(case when {column}::text ~ '{INSTANT}' then {column}::text::timestamptz end, 'infinity'::timestamptz)"
            ));
        } else {
            out.push_str(before);
            out.push_str(CAST);
        }
        rest = &after[CAST.len()..];
    }
    if out.is_empty() {
        return Cow::Borrowed(sql);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn catalog(kind: &str) -> VisibleTables {
        let columns = BTreeMap::from([("createdAt".to_owned(), kind.to_owned())]);
        VisibleTables::from([("TeeTime".to_owned(), columns)])
    }

    #[test]
    fn ids_of_other_types_are_joined_as_text() {
        let sql = "select m.id\nfrom members m\nleft join clubs c on c.id = m.club_id\norder by m.id;";
        let with = |id: &str, club: &str| {
            let members = BTreeMap::from([("id".to_owned(), "text".to_owned()), ("club_id".to_owned(), club.to_owned())]);
            let clubs = BTreeMap::from([("id".to_owned(), id.to_owned())]);
            readable(sql, &VisibleTables::from([("members".to_owned(), members), ("clubs".to_owned(), clubs)]))
        };
        assert_eq!(with("integer", "numeric(12,1)"), sql);
        assert_eq!(with("character varying(20)", "text"), sql);
        assert_eq!(with("uuid", "uuid"), sql);
        for (id, club) in [("integer", "text"), ("text", "bigint"), ("uuid", "text")] {
            let other = with(id, club);
            assert!(
                other.contains("on regexp_replace(c.id::text, ") && other.contains(" = regexp_replace(m.club_id::text, "),
                "{other}"
            );
        }
    }

    #[test]
    fn the_alias_of_a_subquery_has_the_types_of_every_such_column() {
        let sql = "select m.id\nfrom members m\nleft join (\n  select h.member_id\n  from handicaps h\n) last on last.member_id = m.id;";
        let with = |members: &str, handicaps: &str| {
            let members = BTreeMap::from([("id".to_owned(), members.to_owned())]);
            let handicaps = BTreeMap::from([("member_id".to_owned(), handicaps.to_owned())]);
            readable(sql, &VisibleTables::from([("members".to_owned(), members), ("handicaps".to_owned(), handicaps)]))
        };
        assert_eq!(with("bigint", "integer"), sql);
        assert!(with("bigint", "text").contains(") last on regexp_replace(last.member_id::text, "));
        // The subquery may rename it.
        let sql = sql.replace("h.member_id", "h.\"memberId\" as member_id");
        let with = |handicaps: &str| {
            let members = BTreeMap::from([("id".to_owned(), "numeric".to_owned())]);
            let handicaps = BTreeMap::from([("memberId".to_owned(), handicaps.to_owned())]);
            readable(&sql, &VisibleTables::from([("members".to_owned(), members), ("handicaps".to_owned(), handicaps)]))
        };
        assert_eq!(with("bigint"), sql);
        assert!(with("text").contains(") last on regexp_replace(last.member_id::text, "));
    }

    #[test]
    fn columns_of_other_types_than_times_are_read_with_care() {
        let sql = "select b.\"id\" from \"TeeTime\" b where b.\"createdAt\"::timestamptz >= 'x'::timestamptz";
        for kind in ["timestamp with time zone", "timestamp(3) without time zone", "date"] {
            assert_eq!(readable(sql, &catalog(kind)), sql, "{kind}");
        }
        for kind in ["text", "character varying(30)", "bigint"] {
            let careful = readable(sql, &catalog(kind));
            assert!(careful.contains("where coalesce(case when b.\"createdAt\"::text ~ '^"), "{kind}: {careful}");
            assert!(careful.ends_with("'infinity'::timestamptz) >= 'x'::timestamptz"), "{kind}: {careful}");
        }
    }
}
