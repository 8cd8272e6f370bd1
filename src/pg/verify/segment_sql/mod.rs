//! Evaluates the rules of segments a second time, as SQL over the CRM. Values of a rule are always bound parameters.

mod conditions;
mod timeline;
mod writer;

use std::ops::Range;

use anyhow::Result;
use tokio_postgres::types::ToSql;

use crate::pg::Connection;
use crate::pg::load::target::ours;
use crate::pg::verify::segment_sql::conditions::field_condition;
use crate::pg::verify::segment_sql::timeline::activity;
pub use crate::pg::verify::segment_sql::writer::Bind;
use crate::pg::verify::segment_sql::writer::SqlWriter;
use crate::segment_rule::Question;
use crate::segment_rule::plan::Plan;

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
    let mut writer = SqlWriter::new("\"CustomerProfile\"", collation);
    let mut needed = Vec::new();
    collect(questions, position, &mut needed)?;
    let parts = parts(&mut writer, questions, &needed)?;
    let sql = format!("with {parts}\nselect \"id\" from segment_{position} order by \"id\" collate \"C\"");
    Some(Statement { sql, binds: writer.binds })
}

/// For each segment at these positions: its id, the number of members by rule that exist or should exist, how many of them differ,
/// and the ids of up to five that do. Covers our profiles except those that the session excludes (`backfill.apart`). Members that were
/// added by hand need not match the rule. `None` when none of the segments can be evaluated.
pub fn comparison(
    questions: &[Option<Question<'_>>],
    positions: Range<usize>,
    collation: Option<&'static str>,
) -> Option<Statement> {
    let mut writer = SqlWriter::new("people", collation);
    let (mut needed, mut compared) = (Vec::new(), Vec::new());
    for position in positions {
        let mut its = needed.clone();
        if let Some(question) = questions[position].as_ref()
            && collect(questions, position, &mut its).is_some()
        {
            needed = its;
            compared.push((position, writer.text(question.id)));
        }
    }
    let parts = parts(&mut writer, questions, &needed)?;
    let (members, ids): (Vec<String>, Vec<&str>) = compared
        .iter()
        .map(|(position, id)| (format!("select {id} as segment, s.\"id\" from segment_{position} as s"), id.as_str()))
        .unzip();
    let (members, ids) = (members.join("\n  union all "), ids.join(", "));
    let sql = format!(
        "with apart as materialized (\n  select unnest(coalesce(nullif(current_setting('backfill.apart', true), ''), '{{}}')::text[]) as id\n), \
         people as not materialized (\n  select t.* from \"CustomerProfile\" as t left join apart on apart.id = t.\"id\"::text\n  \
         where apart.id is null and {}\n),\n{parts},\nfound as (\n  {members}\n),\nheld as (\n  \
         select m.\"segmentId\"::text as segment, m.\"customerId\" as id, m.\"source\"\n  \
         from \"CustomerSegmentMembership\" as m join people as p on p.\"id\" = m.\"customerId\"\n  \
         where m.\"segmentId\"::text in ({ids})\n), compared as (\n  select coalesce(f.segment, h.segment) as segment, \
         coalesce(f.\"id\", h.id)::text as id, f.\"id\" is null or h.id is null as differs\n  \
         from found as f full join held as h on h.id = f.\"id\" and h.segment = f.segment\n  \
         where f.\"id\" is not null or h.\"source\" = 'RULE'\n)\nselect segment, count(*), count(*) filter (where differs), \
         coalesce((array_agg(id order by id) filter (where differs))[1:5], array[]::text[]) from compared group by segment order by segment",
        ours("t")
    );
    Some(Statement { sql, binds: writer.binds })
}

/// The common table expressions of segments, which come after those that they refer to. `None` when there is none, or one cannot be
/// evaluated.
fn parts(writer: &mut SqlWriter, questions: &[Option<Question<'_>>], positions: &[usize]) -> Option<String> {
    let conditions: Vec<(usize, String)> = positions
        .iter()
        .map(|position| {
            let question = questions[*position].as_ref()?;
            let (eligible, rule) = (eligible(writer, question), condition_of(writer, question.plan));
            Some((*position, format!("{eligible}\n  and {rule}")))
        })
        .collect::<Option<_>>()?;
    let mut parts = Vec::new();
    let joins = writer.timelines(&mut parts);
    let profiles = writer.profiles;
    parts.extend(conditions.iter().map(|(position, condition)| {
        format!("segment_{position} as (\n  select p.\"id\" from {profiles} as p{joins}\n  where {condition}\n)")
    }));
    (!conditions.is_empty()).then(|| parts.join(",\n"))
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
