//! SQL statements over one table of the CRM and its staged rows, built from column names.
//!
//! In all of them `t` is a row of the table, `s` its staged row, and `k` a row that load leaves as another writer made it.

use crate::pg::copy::wire::Wire;
use crate::pg::load::preflight::{Content, TablePlan};
use crate::pg::load::target::{Loaded, Stamp, ours};
use crate::pg::quote_identifier as quoted;

/// A table of the CRM with its staged rows.
pub struct TableSql {
    name: &'static str,
    table: String,
    staging: &'static str,
}

/// How rows are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouped {
    /// By the digits of their id that name the bucket.
    ByBucket,
    /// All together: a scan without grouping by text.
    Whole,
}

impl Grouped {
    fn digits(self, id: &str) -> String {
        match self {
            Self::ByBucket => format!("substr({id}, 5, 4)"),
            Self::Whole => "''::text".to_owned(),
        }
    }
}

/// Counts the records of loads that a table of schema `backfill` has for the named tables: those that transactions of loads wrote, those
/// of this transaction, and all.
pub fn count_records(records: &str, grouped: Grouped, names: &[&str], loads: &str, this: u32) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!(
        "select w.table_name, {digits}, count(*) filter (where w.xmin = any ({loads})),
           count(*) filter (where w.xmin = '{this}'::xid), count(*)
         from {records} w
         where w.table_name in ({names})
         group by 1, 2",
        digits = grouped.digits("w.id"),
        names = names.join(", "),
    )
}

impl TableSql {
    pub fn of(loaded: &'static Loaded) -> Self {
        Self { name: loaded.table, table: quoted(loaded.table), staging: loaded.staging }
    }

    fn is_kept(&self) -> String {
        is_kept(self.name, "t")
    }

    /// Lists the staged rows in `load_question` that the table has.
    pub fn question_staged(&self) -> String {
        format!(
            "insert into load_question
             select '{}', s.\"id\"::text from {} s where exists (select from {} t where t.\"id\" = s.\"id\")",
            self.name, self.staging, self.table
        )
    }

    /// Lists our rows in `load_delete` that the datasets no longer have. `extra` adds a condition.
    pub fn mark_vanished(&self, extra: &str) -> String {
        format!(
            "insert into load_delete
             select '{name}', t.\"id\"::text
             from load_question q
             join {table} t on t.\"id\"::text = q.id
             where q.table_name = '{name}'
               and {ours}
               and not exists (select from {staging} s where s.\"id\" = t.\"id\")
               and not {kept}
               {extra}",
            name = self.name,
            table = self.table,
            staging = self.staging,
            ours = ours("t"),
            kept = self.is_kept(),
        )
    }

    /// Lists rows in `load_update` whose values differ from the datasets.
    pub fn mark_differing(&self, plan: &TablePlan) -> String {
        format!(
            "insert into load_update
             select '{name}', t.\"id\"::text
             from {staging} s
             join {table} t on t.\"id\" = s.\"id\"
             where ({theirs}) is distinct from ({wanted})
               and not {kept}",
            name = self.name,
            table = self.table,
            staging = self.staging,
            theirs = comparable(plan, "t"),
            wanted = comparable(plan, "s"),
            kept = self.is_kept(),
        )
    }

    /// Counts our rows by bucket: those that transactions of loads wrote and no one else changed (`changed`), those of this
    /// transaction, and all.
    pub fn count_rows(&self, loads: &str, this: u32, changed: &str) -> String {
        format!(
            "select '{name}', {digits}, count(*) filter (where t.xmin = any ({loads}) and not ({changed})),
               count(*) filter (where t.xmin = '{this}'::xid), count(*)
             from {table} t
             where {ours}
             group by 1, 2",
            name = self.name,
            digits = Grouped::ByBucket.digits("t.\"id\"::text"),
            table = self.table,
            ours = ours("t"),
        )
    }

    /// Counts all rows in one scan: ours that transactions of loads wrote and no one else changed (`changed`), our other ones, foreign
    /// ones, and foreign ones that meet the condition `newer`.
    pub fn count_all_rows(&self, loads: &str, changed: &str, newer: &str) -> String {
        format!(
            "select c.loaded, c.others, c.rows - c.loaded - c.others as foreign_rows, c.newer
             from (
               select count(*) as rows,
                 count(*) filter (where t.xmin = any ({loads}) and {ours} and not ({changed})) as loaded,
                 count(*) filter (where (not t.xmin = any ({loads}) or ({changed})) and {ours}) as others,
                 count(*) filter (where {newer} and not {ours}) as newer
               from {table} t
             ) as c",
            table = self.table,
            ours = ours("t"),
        )
    }

    /// The `from` clause of the staged rows that the table does not have yet.
    fn missing(&self) -> String {
        format!("from {} s where not exists (select from {} t where t.\"id\" = s.\"id\")", self.staging, self.table)
    }

    /// Counts the rows to insert.
    pub fn count_missing(&self) -> String {
        format!("select count(*) {}", self.missing())
    }

    /// Lists the rows to insert in `load_insert`.
    pub fn note_missing(&self) -> String {
        format!("insert into load_insert select '{}', s.\"id\"::text {}", self.name, self.missing())
    }

    /// Inserts the rows that the table does not have yet.
    pub fn insert_missing(&self, plan: &TablePlan) -> String {
        let mut names: Vec<String> = plan.data().into_iter().map(quoted).collect();
        let mut values: Vec<String> = names.iter().map(|name| format!("s.{name}")).collect();
        for column in &plan.columns {
            let value = match column.content {
                Content::Stamp(Stamp::Created | Stamp::Updated) => "now()".to_owned(),
                Content::Stamp(Stamp::Text(text)) => format!("'{text}'"),
                _ => continue,
            };
            names.push(quoted(&column.target));
            values.push(value);
        }
        format!("insert into {} ({}) select {} {}", self.table, names.join(", "), values.join(", "), self.missing())
    }

    /// The `from` clause of the staged rows that are listed in `load_update`.
    fn listed_rows(&self) -> String {
        format!("from {} s join load_update u on u.table_name = '{}' and u.id = s.\"id\"::text", self.staging, self.name)
    }

    /// Updates the rows listed in `load_update` to the values of the datasets.
    pub fn update_marked(&self, plan: &TablePlan) -> String {
        let data = plan.data().into_iter().filter(|name| *name != "id");
        let mut sets: Vec<String> = data.map(|name| format!("{0} = s.{0}", quoted(name))).collect();
        for column in &plan.columns {
            match column.content {
                Content::Stamp(Stamp::Updated) => sets.push(format!("{} = now()", quoted(&column.target))),
                Content::Stamp(Stamp::Null) => sets.push(format!("{} = null", quoted(&column.target))),
                _ => {}
            }
        }
        format!("update {} t set {} {} where t.\"id\" = s.\"id\"", self.table, sets.join(", "), self.listed_rows())
    }

    /// Sets `columns` to null in listed rows whose unique values change, so that two rows can swap their values. `touched` are
    /// the columns of the unique keys.
    pub fn release_moving(&self, columns: &[&str], touched: &[&str]) -> String {
        let each = |columns: &[&str], text: &dyn Fn(String) -> String| -> Vec<String> {
            columns.iter().map(|column| text(quoted(column))).collect()
        };
        format!(
            "update {table} t set {nulls} {marked} where t.\"id\" = s.\"id\" and ({held}) and ({moved})",
            table = self.table,
            nulls = each(columns, &|column| format!("{column} = null")).join(", "),
            marked = self.listed_rows(),
            held = each(columns, &|column| format!("t.{column} is not null")).join(" or "),
            moved = each(touched, &|column| format!("t.{column} is distinct from s.{column}")).join(" or "),
        )
    }

    /// Copies the values of the table into staged rows that are listed in `load_held` with this reason.
    pub fn take_back(&self, columns: &[&str], reason: &str) -> String {
        let sets: Vec<String> = columns.iter().map(|column| format!("{0} = t.{0}", quoted(column))).collect();
        format!(
            "update {staging} s set {sets}
             from {table} t join load_held h on h.table_name = '{name}' and h.id = t.\"id\"::text and h.reason = '{reason}'
             where t.\"id\" = s.\"id\"",
            staging = self.staging,
            sets = sets.join(", "),
            table = self.table,
            name = self.name,
        )
    }

    /// Creates a temporary table with the ids of rows that have a value in a column; empty if the table has no such column.
    pub fn list_marked(&self, list: &str, column: Option<&str>) -> String {
        let condition = column.map_or_else(|| "false".to_owned(), |column| format!("t.{} is not null", quoted(column)));
        format!("create temp table {list} on commit drop as select t.\"id\" from {} t where {condition}", self.table)
    }

    /// Lists the recorded rows in `load_unchanged` that have the hash of an earlier version over these columns.
    pub fn list_unchanged(&self, columns: &[&str]) -> String {
        let values: Vec<String> = columns.iter().map(|column| format!("t.{}", quoted(column))).collect();
        format!(
            "insert into load_unchanged
             select w.table_name, w.id
             from backfill.written w
             join {table} t on t.\"id\"::text = w.id
             where w.table_name = '{name}' and w.hash = md5(row({values})::text)::uuid",
            table = self.table,
            name = self.name,
            values = values.join(", "),
        )
    }

    /// Deletes the rows listed in `load_delete`.
    pub fn delete_marked(&self) -> String {
        format!("delete from {} t using load_delete d where d.table_name = '{}' and d.id = t.\"id\"::text", self.table, self.name)
    }

    /// Selects the staged rows whose unique key belongs to a foreign or kept row. `extra` adds a condition.
    pub fn held_keys(&self, key: &[String], extra: &str) -> String {
        let equal: Vec<String> = key.iter().map(|column| format!("t.{0} = s.{0}", quoted(column))).collect();
        format!(
            "select s.\"id\"::text as id
             from {staging} s
             join {table} t on {equal} and t.\"id\" <> s.\"id\"
             where {others} {extra}",
            staging = self.staging,
            table = self.table,
            equal = equal.join(" and "),
            others = foreign_or_kept(self.name, "t"),
        )
    }

    /// The value of a column for a staged row whose own value is held by another row: what the table has, unless another staged row
    /// takes that value.
    pub fn held_value(&self, column: &str) -> String {
        format!(
            "{column} = (select p.{column} from {table} p where p.\"id\" = s.\"id\"
               and not exists (select from {staging} o where o.{column} = p.{column} and o.\"id\" <> s.\"id\"))",
            column = quoted(column),
            table = self.table,
            staging = self.staging,
        )
    }

    /// Lists our rows in `load_kept` that the datasets no longer have, but that foreign rows still reference: rows `c` of the table
    /// `referring` that meet the condition `theirs`.
    pub fn keep_referenced(&self, referring: &str, column: &str, theirs: &str) -> String {
        format!(
            "insert into load_kept
             select distinct '{name}', t.\"id\"::text, 'REFERENCED'
             from {table} t join {referring} c on c.{column} = t.\"id\"
             where {ours} and {theirs}
               and not {equal}
               and not exists (select from {staging} s where s.\"id\" = t.\"id\")
               and not {kept}",
            name = self.name,
            table = self.table,
            column = quoted(column),
            ours = ours("t"),
            staging = self.staging,
            kept = self.is_kept(),
            equal = is_equal(self.name),
        )
    }

    /// Copies equal rows from the table into staging where a condition says that something else may change them. Lists them in
    /// `load_question`.
    pub fn pull(&self, plan: &TablePlan, condition: &str) -> String {
        let names: Vec<String> = plan.data().into_iter().map(quoted).collect();
        let values: Vec<String> = names.iter().map(|name| format!("t.{name}")).collect();
        format!(
            "with pulled as (
               insert into {staging} ({list})
               select {values} from {table} t
               where {ours} and {equal} and ({condition})
               returning \"id\"::text as id
             )
             insert into load_question select '{name}', p.id from pulled p",
            staging = self.staging,
            list = names.join(", "),
            values = values.join(", "),
            table = self.table,
            ours = ours("t"),
            equal = is_equal(self.name),
            name = self.name,
        )
    }

    /// Counts the foreign rows.
    pub fn count_foreign(table: &str) -> String {
        format!("select count(*) from {} t where not {}", quoted(table), ours("t"))
    }
}

/// SQL condition: the row is listed in `load_kept`. `alias` names the table in the statement.
fn is_kept(name: &str, alias: &str) -> String {
    format!("exists (select from load_kept k where k.table_name = '{name}' and k.id = {alias}.\"id\"::text)")
}

/// SQL condition: our row `t` equals its dataset, and is not staged.
fn is_equal(name: &str) -> String {
    format!("not exists (select from load_question q where q.table_name = '{name}' and q.id = t.\"id\"::text)")
}

/// SQL condition: the row is foreign, or listed in `load_kept`.
pub fn foreign_or_kept(name: &str, alias: &str) -> String {
    format!("(not {} or {})", ours(alias), is_kept(name, alias))
}

/// The data columns in a form that can be compared: `json` has no equality operator, so it is compared as text.
fn comparable(plan: &TablePlan, alias: &str) -> String {
    let columns = plan.columns.iter().filter(|column| column.copy.is_some());
    let values: Vec<String> = columns
        .map(|column| format!("{alias}.{}{}", quoted(&column.target), if column.wire == Wire::Json { "::text" } else { "" }))
        .collect();
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::copy::encode::CopyColumn;
    use crate::pg::load::preflight::Planned;
    use crate::pg::load::target::table;
    use arrow::datatypes::DataType;

    fn plan(columns: &[(&str, Content)]) -> TablePlan {
        let planned = |&(target, content): &(&str, Content)| Planned {
            target: target.to_owned(),
            name: "",
            copy: None,
            wire: Wire::Text(None),
            content,
            is_not_null: false,
        };
        TablePlan { loaded: Loaded::of(table::CONSENT), columns: columns.iter().map(planned).collect() }
    }

    /// A statement without line breaks and indentation.
    fn flat(sql: &str) -> String {
        sql.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn consents() -> TableSql {
        TableSql::of(Loaded::of(table::CONSENT))
    }

    #[test]
    fn an_insert_fills_data_and_stamps_of_missing_rows() {
        let plan = plan(&[
            ("id", Content::Data),
            ("status", Content::Data),
            ("createdAt", Content::Stamp(Stamp::Created)),
            ("createdBy", Content::Stamp(Stamp::Text("crm-backfill"))),
            ("mergedIntoId", Content::Stamp(Stamp::Null)),
        ]);
        assert_eq!(
            consents().insert_missing(&plan),
            "insert into \"MarketingConsent\" (\"id\", \"status\", \"createdAt\", \"createdBy\") \
             select s.\"id\", s.\"status\", now(), 'crm-backfill' from staged_marketing_consents s \
             where not exists (select from \"MarketingConsent\" t where t.\"id\" = s.\"id\")"
        );
    }

    #[test]
    fn an_update_changes_neither_id_nor_creation_time() {
        let plan = plan(&[
            ("id", Content::Data),
            ("status", Content::Data),
            ("createdAt", Content::Stamp(Stamp::Created)),
            ("updatedAt", Content::Stamp(Stamp::Updated)),
            ("mergedIntoId", Content::Stamp(Stamp::Null)),
        ]);
        assert_eq!(
            consents().update_marked(&plan),
            "update \"MarketingConsent\" t set \"status\" = s.\"status\", \"updatedAt\" = now(), \"mergedIntoId\" = null \
             from staged_marketing_consents s join load_update u on u.table_name = 'MarketingConsent' and u.id = s.\"id\"::text \
             where t.\"id\" = s.\"id\""
        );
    }

    #[test]
    fn only_our_rows_that_left_staging_and_are_not_kept_are_deleted() {
        let ours = ours("t");
        assert_eq!(
            flat(&consents().mark_vanished("and true")),
            format!(
                "insert into load_delete select 'MarketingConsent', t.\"id\"::text from load_question q \
                 join \"MarketingConsent\" t on t.\"id\"::text = q.id where q.table_name = 'MarketingConsent' and {ours} \
                 and not exists (select from staged_marketing_consents s where s.\"id\" = t.\"id\") \
                 and not exists (select from load_kept k where k.table_name = 'MarketingConsent' and k.id = t.\"id\"::text) \
                 and true"
            )
        );
    }

    #[test]
    fn only_equal_rows_of_ours_are_pulled_into_staging() {
        let ours = ours("t");
        assert_eq!(
            flat(&consents().pull(&plan(&[("id", Content::Data), ("status", Content::Data)]), "1 = 1")),
            format!(
                "with pulled as ( insert into staged_marketing_consents (\"id\", \"status\") select t.\"id\", t.\"status\" \
                 from \"MarketingConsent\" t where {ours} and not exists (select from load_question q \
                 where q.table_name = 'MarketingConsent' and q.id = t.\"id\"::text) and (1 = 1) returning \"id\"::text as id ) \
                 insert into load_question select 'MarketingConsent', p.id from pulled p"
            )
        );
    }

    #[test]
    fn both_rows_of_a_swap_release_the_unique_value_first() {
        let sql = TableSql::of(Loaded::of(table::PROFILE)).release_moving(&["email", "phoneNumber"], &["tenantId", "email"]);
        assert!(
            sql.starts_with("update \"CustomerProfile\" t set \"email\" = null, \"phoneNumber\" = null from staged_"),
            "{sql}"
        );
        assert!(sql.contains("(t.\"email\" is not null or t.\"phoneNumber\" is not null)"), "{sql}");
        assert!(
            sql.ends_with("(t.\"tenantId\" is distinct from s.\"tenantId\" or t.\"email\" is distinct from s.\"email\")"),
            "{sql}"
        );
    }

    #[test]
    fn a_unique_key_is_held_by_foreign_rows_and_by_kept_rows() {
        let held = consents().held_keys(&["tenantId".to_owned(), "scope".to_owned()], "and 1 = 1");
        let held = flat(&held);
        assert!(
            held.contains("on t.\"tenantId\" = s.\"tenantId\" and t.\"scope\" = s.\"scope\" and t.\"id\" <> s.\"id\""),
            "{held}"
        );
        assert!(held.ends_with(&format!("where {} and 1 = 1", foreign_or_kept(table::CONSENT, "t"))), "{held}");
    }

    #[test]
    fn json_is_compared_as_text() {
        let mut plan = plan(&[("metadata", Content::Data), ("createdAt", Content::Stamp(Stamp::Created))]);
        plan.columns[0].copy = CopyColumn::plan("metadata", &DataType::Utf8, Wire::Json);
        plan.columns[0].wire = Wire::Json;
        let sql = flat(&consents().mark_differing(&plan));
        assert!(sql.contains("where (t.\"metadata\"::text) is distinct from (s.\"metadata\"::text) and not exists"), "{sql}");
    }
}
