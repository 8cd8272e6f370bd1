//! Evaluates the rules of segments a second time, as SQL over the CRM. Values of a rule are always bound parameters.

use anyhow::Result;
use tokio_postgres::types::ToSql;

use crate::model::{Code as _, Day, Timestamp};
use crate::pg::Connection;
use crate::pg::load::target::ours;
use crate::segment_rule::field::{Field, FieldKind};
use crate::segment_rule::moment::Anniversaries;
use crate::segment_rule::plan::{ActivityPlan, Measure, Plan, Range, RangeSide, ValueCheck};
use crate::segment_rule::rule::{Aggregate, Comparison, ListTest, NumberTest, TextTest};
use crate::segment_rule::{Decimal, Question};

/// A parameter. Numbers, instants and days are bound as text, which the statement casts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// One text.
    Text(String),
    /// Several.
    Texts(Vec<String>),
}

/// A statement whose text depends only on the structure of the rule, never on its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// Its parameters, `$1` first.
    pub binds: Vec<Bind>,
}

impl Statement {
    /// The parameters in the form of the driver.
    pub fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.binds
            .iter()
            .map(|bind| match bind {
                Bind::Text(text) => text as &(dyn ToSql + Sync),
                Bind::Texts(texts) => texts as &(dyn ToSql + Sync),
            })
            .collect()
    }
}

/// Builds a statement.
struct SqlWriter {
    binds: Vec<Bind>,
    collation: Option<&'static str>,
    /// The relation of profiles.
    profiles: &'static str,
    /// The relation of activities.
    activities: &'static str,
}

impl SqlWriter {
    fn bind(&mut self, bind: Bind) -> String {
        let cast = if matches!(bind, Bind::Text(_)) { "text" } else { "text[]" };
        self.binds.push(bind);
        format!("${}::{cast}", self.binds.len())
    }

    /// SQL for lower case by Unicode's rules, if the database has a collation for them, else by its own.
    fn lower(&self, expression: &str) -> String {
        match self.collation {
            // Providers disagree on two letters, so these are folded here, as in `segment::text`.
            Some(name) => {
                format!("translate(lower(translate({expression}, e'\\u0130', 'i') collate \"{name}\"), e'\\u03c2', e'\\u03c3')")
            }
            None => format!("lower({expression})"),
        }
    }

    /// The same as [`crate::segment_rule::text::fold`], with the same blanks.
    fn folded(&self, expression: &str) -> String {
        self.lower(&format!("btrim({expression}::text, e' \\t\\n\\r\\x0b\\f')"))
    }

    /// The elements of a bound list, in lower case.
    fn lowered(&mut self, texts: &[String]) -> String {
        let texts = self.texts(texts);
        format!("(select {} from unnest({texts}) as one)", self.lower("one"))
    }

    fn text(&mut self, text: &str) -> String {
        self.bind(Bind::Text(text.to_owned()))
    }

    fn texts(&mut self, texts: &[String]) -> String {
        self.bind(Bind::Texts(texts.to_vec()))
    }
}

/// Collations whose lower case follows Unicode, best first.
const COLLATIONS: &[&str] = &["pg_c_utf8", "C.utf8", "und-x-icu"];

/// The collation by which a database can fold the case of any letter, if it has one.
pub fn case_collation(connection: &Connection) -> Result<Option<&'static str>> {
    let sql = "select collname::text from pg_catalog.pg_collation where collname = any($1) \
               and pg_catalog.getdatabaseencoding() = 'UTF8' and collencoding in (-1, pg_catalog.pg_char_to_encoding('UTF8'))";
    let found: Vec<String> = connection.query(sql, &[&COLLATIONS])?.iter().map(|row| row.get(0)).collect();
    Ok(COLLATIONS.iter().copied().find(|name| found.iter().any(|one| one == name)))
}

/// The ids of a segment's members, in order; `questions` by position, as [`crate::segment::Refresh::questions`] gives them.
/// `None` when the segment, or one it refers to, cannot be evaluated.
pub fn members(questions: &[Option<Question<'_>>], position: usize, collation: Option<&'static str>) -> Option<Statement> {
    let mut writer = SqlWriter { binds: Vec::new(), collation, profiles: "\"CustomerProfile\"", activities: "\"Activity\"" };
    let parts = parts(&mut writer, questions, position)?;
    let sql = format!("with {parts}\nselect \"id\" from segment_{position} order by \"id\" collate \"C\"");
    Some(Statement { sql, binds: writer.binds })
}

/// The number of members by rule that exist or should exist, how many of them differ, and the ids of up to five that do. Covers our
/// profiles except those that the session excludes (`backfill.apart`). Members that were added by hand need not match the rule.
pub fn comparison(questions: &[Option<Question<'_>>], position: usize, collation: Option<&'static str>) -> Option<Statement> {
    let mut writer = SqlWriter { binds: Vec::new(), collation, profiles: "people", activities: "\"Activity\"" };
    let parts = parts(&mut writer, questions, position)?;
    let segment = writer.text(questions[position].as_ref()?.id);
    let sql = format!(
        "with apart as materialized (\n  select unnest(coalesce(nullif(current_setting('backfill.apart', true), ''), '{{}}')::text[]) as id\n), \
         people as not materialized (\n  select t.* from \"CustomerProfile\" as t left join apart on apart.id = t.\"id\"::text\n  \
         where apart.id is null and {}\n),\n{parts},\nheld as (\n  select m.\"customerId\" as id, m.\"source\"\n  \
         from \"CustomerSegmentMembership\" as m join people as p on p.\"id\" = m.\"customerId\"\n  \
         where m.\"segmentId\"::text = {segment}\n), compared as (\n  select coalesce(s.\"id\", held.id)::text as id, s.\"id\" is null or \
         held.id is null as differs\n  from segment_{position} as s full join held on held.id = s.\"id\"\n  \
         where s.\"id\" is not null or held.\"source\" = 'RULE'\n)\nselect count(*), count(*) filter (where differs), \
         coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) from compared",
        ours("t")
    );
    Some(Statement { sql, binds: writer.binds })
}

/// One common table expression for the segment and each that it refers to.
fn parts(writer: &mut SqlWriter, questions: &[Option<Question<'_>>], position: usize) -> Option<String> {
    let mut needed = Vec::new();
    collect(questions, position, &mut needed)?;
    let mut parts = Vec::new();
    for position in needed {
        let question = questions[position].as_ref()?;
        let condition = eligible(writer, question);
        let rule = condition_of(writer, question.plan);
        let profiles = writer.profiles;
        parts.push(format!(
            "segment_{position} as (\n  select p.\"id\" from {profiles} as p\n  where {condition}\n  and {rule}\n)"
        ));
    }
    Some(parts.join(",\n"))
}

/// The segments that a segment refers to, in order of dependency, and itself last.
fn collect(questions: &[Option<Question<'_>>], position: usize, needed: &mut Vec<usize>) -> Option<()> {
    if needed.contains(&position) {
        return Some(());
    }
    for other in questions.get(position)?.as_ref()?.plan.references() {
        collect(questions, other, needed)?;
    }
    needed.push(position);
    Some(())
}

fn eligible(writer: &mut SqlWriter, question: &Question<'_>) -> String {
    let tenant = writer.text(question.tenant_id);
    let mut condition = format!("p.\"tenantId\" = {tenant} and p.\"status\"::text <> 'MERGED' and p.\"deletedAt\" is null");
    if let Some(club) = question.club_id {
        let club = writer.text(club);
        condition.push_str(&format!(" and p.\"homeClubId\" = {club}"));
    }
    condition
}

fn condition_of(writer: &mut SqlWriter, plan: &Plan) -> String {
    match plan {
        Plan::All(plans) => joined(writer, plans, " and ", "true"),
        Plan::Any(plans) => joined(writer, plans, " or ", "false"),
        Plan::Not(plan) => format!("not {}", condition_of(writer, plan)),
        Plan::Field(field, check) => field_condition(writer, *field, check),
        Plan::Activity(plan) => activity(writer, plan),
        Plan::Member { segment, is_member } => {
            let not = if *is_member { "" } else { "not " };
            format!("({not}exists (select from segment_{segment} as s where s.\"id\" = p.\"id\"))")
        }
    }
}

fn joined(writer: &mut SqlWriter, plans: &[Plan], word: &str, empty: &str) -> String {
    if plans.is_empty() {
        return empty.to_owned();
    }
    let parts: Vec<String> = plans.iter().map(|plan| condition_of(writer, plan)).collect();
    format!("({})", parts.join(word))
}

fn column(field: Field) -> String {
    match field.code().strip_prefix("externalIds.") {
        Some(key) => format!("(p.\"externalIds\" ->> '{key}')"),
        None => format!("p.\"{}\"", field.code()),
    }
}

fn field_condition(writer: &mut SqlWriter, field: Field, check: &ValueCheck) -> String {
    let column = column(field);
    match check {
        ValueCheck::IsNull => format!("({column} is null)"),
        ValueCheck::IsNotNull => format!("({column} is not null)"),
        ValueCheck::Text(test) => text(writer, &writer.folded(&column), test),
        ValueCheck::Number(test) => number(writer, &format!("{column}::numeric"), "1", test),
        ValueCheck::Flag(true) => format!("coalesce({column}, false)"),
        ValueCheck::Flag(false) => format!("coalesce(not {column}, false)"),
        ValueCheck::List(test) => list(writer, &column, test),
        ValueCheck::Range(range) => self::range(writer, &column, field.kind() == FieldKind::Day, range),
        ValueCheck::Anniversary(anniversaries) => anniversary(writer, field, &column, anniversaries),
    }
}

fn text(writer: &mut SqlWriter, value: &str, test: &TextTest) -> String {
    let (holds, negated) = match test {
        TextTest::OneOf { values, negated } => (format!("{value} in {}", writer.lowered(values)), *negated),
        TextTest::Contains { part, negated } => {
            let part = writer.text(part);
            (format!("strpos({value}, {}) > 0", writer.lower(&part)), *negated)
        }
        TextTest::StartsWith(part) => {
            let part = writer.text(part);
            (format!("starts_with({value}, {})", writer.lower(&part)), false)
        }
        TextTest::EndsWith(part) => {
            let part = writer.text(part);
            let part = writer.lower(&part);
            (format!("right({value}, length({part})) = {part}"), false)
        }
    };
    two_valued(value, &holds, negated)
}

/// False if the value is missing, whether the test is negated or not.
fn two_valued(value: &str, holds: &str, negated: bool) -> String {
    if negated { format!("({value} is not null and not coalesce({holds}, false))") } else { format!("coalesce({holds}, false)") }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "=",
        Comparison::Neq => "<>",
        Comparison::Gt => ">",
        Comparison::Gte => ">=",
        Comparison::Lt => "<",
        Comparison::Lte => "<=",
    }
}

/// Compares a fraction with numbers; multiplied out, so that averages are compared exactly.
fn number(writer: &mut SqlWriter, numerator: &str, denominator: &str, test: &NumberTest) -> String {
    let mut bound = |value: Decimal| {
        let bound = writer.text(&value.to_string());
        format!("{bound}::numeric * {denominator}")
    };
    let holds = match test {
        NumberTest::Compare(comparison, value) => format!("{numerator} {} {}", sign(*comparison), bound(*value)),
        NumberTest::Between(from, to) => format!("{numerator} between {} and {}", bound(*from), bound(*to)),
        NumberTest::OneOf { values, negated } => {
            let values = values.iter().map(ToString::to_string).collect::<Vec<_>>();
            let values = writer.texts(&values);
            let holds = format!("{numerator} in (select one::numeric * {denominator} from unnest({values}) as one)");
            return two_valued(numerator, &holds, *negated);
        }
    };
    format!("coalesce({holds}, false)")
}

fn list(writer: &mut SqlWriter, column: &str, test: &ListTest) -> String {
    let element = writer.folded("element");
    let mut any_of = |values: &[String]| {
        format!("exists (select from unnest({column}) as element where {element} in {})", writer.lowered(values))
    };
    match test {
        ListTest::HasAny(values) => format!("({})", any_of(values)),
        ListTest::HasNone(values) => format!("(not {})", any_of(values)),
        ListTest::HasAll(values) => {
            let values = writer.lowered(values);
            format!("(not exists ({values} except select {element} from unnest({column}) as element))")
        }
    }
}

fn range(writer: &mut SqlWriter, column: &str, is_day: bool, range: &Range) -> String {
    let mut end = |sign: &str, value: i64| {
        if is_day {
            let bound = writer.text(&date(value));
            format!("{column} {sign} {bound}::date")
        } else {
            let bound = writer.text(&instant(value));
            format!("{column} {sign} {bound}::timestamp")
        }
    };
    let mut ends = Vec::new();
    ends.extend(range.from.map(|from| end(">=", from)));
    ends.extend(range.until.map(|until| end("<", until)));
    let inside = if ends.is_empty() { format!("{column} is not null") } else { ends.join(" and ") };
    match range.side {
        RangeSide::Inside => format!("coalesce({inside}, false)"),
        RangeSide::Outside => format!("coalesce(not ({inside}), false)"),
        RangeSide::OutsideOrMissing => format!("(not coalesce({inside}, false))"),
    }
}

/// An instant in PostgreSQL's format: without a sign before long years, and not before the year 1.
fn instant(at: i64) -> String {
    const YEAR_ONE: i64 = -62_135_596_800_000_000;
    if at < YEAR_ONE {
        return "-infinity".to_owned();
    }
    Timestamp(at).utc().naive_utc().format("%Y-%m-%d %H:%M:%S%.6f").to_string().trim_start_matches('+').to_owned()
}

/// A day in PostgreSQL's format.
fn date(number: i64) -> String {
    const YEAR_ONE: i64 = -719_162;
    match i32::try_from(number) {
        Ok(_) if number < YEAR_ONE => "-infinity".to_owned(),
        Ok(number) => Day(number).to_string().trim_start_matches('+').to_owned(),
        Err(_) => "infinity".to_owned(),
    }
}

/// The day of an instant on a zone's clocks.
fn local_day(column: &str, zone: &str) -> String {
    format!("({column}::timestamp at time zone 'UTC' at time zone {zone})::date")
}

fn anniversary(writer: &mut SqlWriter, field: Field, column: &str, of: &Anniversaries) -> String {
    let day = if field.kind() == FieldKind::Day { column.to_owned() } else { local_day(column, &writer.text(of.zone.name())) };
    let before = writer.text(&date(of.before));
    if of.all {
        return format!("coalesce({day} < {before}::date, false)");
    }
    let of_year = format!("(extract(month from {day}) * 100 + extract(day from {day}))");
    let (from, to) = (writer.text(&of.from.to_string()), writer.text(&of.to.to_string()));
    let joint = if of.from <= of.to { "and" } else { "or" };
    format!(
        "coalesce({day} < {before}::date and case when {of_year} = 229 then {} \
         else {of_year} >= {from}::numeric {joint} {of_year} <= {to}::numeric end, false)",
        of.leap_day
    )
}

fn activity(writer: &mut SqlWriter, plan: &ActivityPlan) -> String {
    let measure = &plan.measure;
    let (numerator, denominator) = aggregate(writer, measure);
    let result = match &plan.check {
        ValueCheck::IsNull => format!("{numerator} is null"),
        ValueCheck::Number(test) => number(writer, &numerator, &denominator, test),
        _ => format!("{numerator} is not null"),
    };
    let mut conditions = Vec::new();
    let lists = [
        ("a.\"type\"", &measure.types),
        ("a.\"category\"", &measure.categories),
        ("a.\"channel\"", &measure.channels),
        ("a.\"sourceService\"", &measure.services),
        ("a.\"clubId\"", &measure.clubs),
    ];
    for (column, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        let test = TextTest::OneOf { values: values.clone(), negated: false };
        conditions.push(text(writer, &writer.folded(column), &test));
    }
    let window = Range { from: measure.from, until: measure.until, side: RangeSide::Inside };
    if measure.from.is_some() || measure.until.is_some() {
        conditions.push(range(writer, "a.\"occurredAt\"", false, &window));
    }
    for (path, check) in &measure.conditions {
        conditions.push(metadata(writer, path, check));
    }
    // Grouped once, because without an index a subquery for each profile would read the timeline once per profile. A profile
    // without such activities counts as one with an empty timeline.
    let matching = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
    let table = writer.activities;
    let owners = |wanted: &str| {
        format!("(select a.\"customerId\" from {table} as a where {matching} group by a.\"customerId\" having {wanted})")
    };
    format!(
        "case when (select {result} from {table} as a where false) then p.\"id\" not in {} else p.\"id\" in {} end",
        owners(&format!("not coalesce({result}, false)")),
        owners(&format!("coalesce({result}, false)"))
    )
}

/// The JSON value at a path.
fn at(writer: &mut SqlWriter, path: &[String]) -> String {
    let path = writer.texts(path);
    format!("(a.\"metadata\" #> {path})")
}

/// A JSON value as a number, if it is one that fifteen digits hold; see [`Decimal::from_json`].
fn numeric(value: &str) -> String {
    format!(
        "case when jsonb_typeof({value}) = 'number' then case when abs({value}::numeric) < 1e15 and ({value}::numeric = \
         trunc({value}::numeric) or abs({value}::numeric) < 1e9 and {value}::numeric = round({value}::numeric, 6)) \
         then {value}::numeric end end"
    )
}

/// A JSON value as a text, if it is one.
fn string(value: &str) -> String {
    format!("(case when jsonb_typeof({value}) = 'string' then {value} #>> '{{}}' end)")
}

fn metadata(writer: &mut SqlWriter, path: &[String], check: &ValueCheck) -> String {
    let value = at(writer, path);
    match check {
        ValueCheck::IsNull => format!("coalesce(jsonb_typeof({value}) = 'null', true)"),
        ValueCheck::IsNotNull => format!("coalesce(jsonb_typeof({value}) <> 'null', false)"),
        ValueCheck::Text(test) => text(writer, &writer.folded(&string(&value)), test),
        ValueCheck::Number(test) => number(writer, &format!("({})", numeric(&value)), "1", test),
        ValueCheck::Flag(flag) => format!("coalesce({value} = '{flag}'::jsonb, false)"),
        ValueCheck::List(_) | ValueCheck::Range(_) | ValueCheck::Anniversary(_) => "false".to_owned(),
    }
}

/// A number over activities, as numerator and denominator.
fn aggregate(writer: &mut SqlWriter, measure: &Measure) -> (String, String) {
    let one = || "1".to_owned();
    let occurred = "a.\"occurredAt\"::timestamp";
    let mut days_since = |function: &str| {
        let as_of = writer.text(&instant(measure.clock.as_of.0));
        format!("floor(extract(epoch from {as_of}::timestamp - {function}({occurred}))::numeric / 86400)")
    };
    match &measure.aggregate {
        Aggregate::Count => ("count(*)::numeric".to_owned(), one()),
        Aggregate::DaysSinceLast => (days_since("max"), one()),
        Aggregate::DaysSinceFirst => (days_since("min"), one()),
        Aggregate::DistinctDays => {
            let zone = writer.text(measure.clock.zone.name());
            (format!("count(distinct {})::numeric", local_day("a.\"occurredAt\"", &zone)), one())
        }
        Aggregate::CountDistinct(path) => {
            let value = at(writer, path);
            let key = format!(
                "case jsonb_typeof({value}) when 'string' then 's' || ({value} #>> '{{}}') \
                 when 'number' then 'n' || trim_scale({})::text when 'boolean' then 'b' || ({value} #>> '{{}}') end",
                numeric(&value)
            );
            (format!("count(distinct {key})::numeric"), one())
        }
        Aggregate::Sum(path) => (format!("coalesce(sum({}), 0)", numeric(&at(writer, path))), one()),
        Aggregate::Min(path) => (format!("min({})", numeric(&at(writer, path))), one()),
        Aggregate::Max(path) => (format!("max({})", numeric(&at(writer, path))), one()),
        Aggregate::Avg(path) => {
            let value = numeric(&at(writer, path));
            (format!("sum({value})"), format!("count({value})"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_calendar_are_written_as_postgresql_reads_them() {
        let parsed = |text: &str| Day::from_date(text.parse().unwrap());
        assert_eq!(date(i64::from(parsed("9999-12-31").0) + 1), "10000-01-01");
        assert_eq!(instant(parsed("9999-12-31").start_utc().0 + Timestamp::DAY), "10000-01-01 00:00:00.000000");
        assert_eq!(date(i64::from(parsed("0001-01-01").0)), "0001-01-01");
        assert_eq!(date(i64::from(parsed("0001-01-01").0) - 1), "-infinity");
        assert_eq!(instant(parsed("0001-01-01").start_utc().0 - 1), "-infinity");
    }
}
