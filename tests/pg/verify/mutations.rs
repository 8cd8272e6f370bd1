//! Single corruptions of a loaded CRM: every column of every table that load writes, rows, schema objects, and the log of loads.

use crate::support::postgres::Database;
use crate::support::soak::Random;

/// One corruption.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// What it does, in words that name the table and the column or object.
    pub name: String,
    /// The statements.
    pub sql: String,
}

/// Tables that load fills, with their column of the profile.
const FILLED: [(&str, &str); 7] = [
    ("CustomerProfile", "id"),
    ("IdentityAlias", "customerId"),
    ("MarketingConsent", "customerId"),
    ("Activity", "customerId"),
    ("CampaignInteraction", "customerId"),
    ("DuplicateCandidate", "profileAId"),
    ("CustomerSegmentMembership", "customerId"),
];
/// Columns of segments that a refresh writes or reads.
const OF_SEGMENTS: [&str; 7] = ["name", "criteria", "combinator", "memberCount", "lastRefreshedAt", "refreshError", "isActive"];
/// Tables of schema `backfill`.
const WRITTEN_DOWN: [&str; 8] = ["run", "written", "before", "withdrawn", "undated", "kept", "object", "settled"];
/// Which rows are ours.
const OURS: &str = r#""id"::text like 'bf11____-____-8___-____-____________'"#;

/// A column with its type.
struct Column {
    name: String,
    type_name: String,
    labels: Vec<String>,
    is_nullable: bool,
}

fn columns(crm: &Database, schema: &str, table: &str) -> Vec<Column> {
    let rows = crm.rows(&format!(
        "select a.attname, format_type(a.atttypid, null), a.attnotnull,
           coalesce((select string_agg(l.enumlabel, ',' order by l.enumsortorder) from pg_enum l where l.enumtypid = a.atttypid), '')
         from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = '{schema}' and c.relname = '{table}' and a.attnum > 0 and not a.attisdropped order by a.attnum"
    ));
    rows.into_iter()
        .map(|row| Column {
            name: row[0].clone(),
            type_name: row[1].clone(),
            is_nullable: row[2] == "f",
            labels: row[3].split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        })
        .collect()
}

/// Another value of a column.
fn other(column: &Column, table: &str) -> String {
    let name = format!("t.\"{}\"", column.name);
    if let Some(first) = column.labels.first() {
        let words: Vec<String> = column.labels.iter().map(|label| format!("'{label}'")).collect();
        let kind = format!("array[{}]", words.join(","));
        return format!(
            "coalesce(({kind})[array_position({kind}, {name}::text) % {} + 1], '{first}')::{}",
            column.labels.len(),
            column.type_name
        );
    }
    match (column.name.as_str(), column.type_name.as_str()) {
        ("customerId" | "mergedIntoId" | "profileBId", _) => {
            format!(r#"(select max(p."id") from "CustomerProfile" p where p."id" <> {name})"#)
        }
        ("profileAId", _) => format!(r#"(select min(p."id") from "CustomerProfile" p where p."id" <> {name})"#),
        ("segmentId", _) => format!(r#"(select max(s."id") from "CustomerSegment" s where s."id" <> {name})"#),
        ("id", _) => "'bf11ffff-ffff-8fff-bfff-' || substr(md5(t.\"id\"), 1, 12)".to_owned(),
        ("tenantId", _) => "'9'".to_owned(),
        ("table_name", _) => "'Activity'".to_owned(),
        (_, "boolean") => format!("not coalesce({name}, false)"),
        (_, "integer" | "bigint" | "smallint") => format!("coalesce({name}, 0) + 1"),
        (_, "numeric") => format!("coalesce({name}, 1) - 0.1"),
        (_, "date") => format!("coalesce({name}, '1980-01-01') + 1"),
        (_, kind) if kind.starts_with("timestamp") => format!("coalesce({name}, '2020-01-01') + interval '1 millisecond'"),
        (_, "jsonb") if table == "CustomerSegment" => r#"'{"field": "phoneNumber", "operator": "isNotNull"}'::jsonb"#.to_owned(),
        (_, "jsonb") => format!("coalesce({name}, '{{}}'::jsonb) || '{{\"mutated\": 1}}'::jsonb"),
        (_, "text[]") => format!("array_append({name}, 'mutated')"),
        (_, "uuid") => format!("md5({name}::text || 'x')::uuid"),
        _ => format!("coalesce({name}::text, '') || 'x'"),
    }
}

/// A row of a table: the ctid of one that the number picks.
fn pick(crm: &Database, table: &str, condition: &str, random: &mut Random) -> Option<String> {
    let count: usize = crm.value(&format!("select count(*) from {table} t where {condition}")).parse().ok()?;
    if count == 0 {
        return None;
    }
    let offset = random.below(count);
    Some(crm.value(&format!("select t.ctid::text from {table} t where {condition} order by t.ctid offset {offset} limit 1")))
}

fn of_row(ctid: &str) -> String {
    format!("t.ctid = '{ctid}'::tid")
}

/// Every corruption; the seed decides which rows.
pub fn all(crm: &Database, seed: u64) -> Vec<Mutation> {
    let mut random = Random::new(seed);
    let mut all = Vec::new();
    // Two rows of each table that load fills.
    for _ in 0..2 {
        for (table, owner) in FILLED {
            columns_of(crm, "public", table, OURS, &mut random, &mut all);
            rows_of(crm, table, owner, &mut random, &mut all);
        }
    }
    let segments = columns(crm, "public", "CustomerSegment");
    for column in segments.iter().filter(|column| OF_SEGMENTS.contains(&column.name.as_str())) {
        // The segment that has members.
        let row = r#"t."id" = (select min("segmentId") from "CustomerSegmentMembership")"#;
        set(&mut all, "public", "CustomerSegment", column, row);
    }
    for table in ["CustomerNote", "AttributionEvent", "SyncLog"] {
        all.push(Mutation { name: format!("{table}: a row with an id of ours"), sql: stranger(table) });
    }
    columns_of(crm, "public", "SyncLog", OURS, &mut random, &mut all);
    delete(crm, "public", "SyncLog", OURS, &mut random, &mut all);
    for table in WRITTEN_DOWN {
        columns_of(crm, "backfill", table, "true", &mut random, &mut all);
        delete(crm, "backfill", table, "true", &mut random, &mut all);
    }
    written_down(&mut all);
    schema_objects(crm, &mut all);
    all
}

fn qualified(schema: &str, table: &str) -> String {
    format!("{schema}.\"{table}\"")
}

fn set(all: &mut Vec<Mutation>, schema: &str, table: &str, column: &Column, row: &str) {
    let name = format!("{schema}.{table}.{}", column.name).replace("public.", "");
    let sql = format!(
        "set session_replication_role = replica; update {} t set \"{}\" = {} where {row}",
        qualified(schema, table),
        column.name,
        other(column, table)
    );
    all.push(Mutation { name, sql });
}

/// Each column of a row changed, and set to null if it is nullable.
fn columns_of(crm: &Database, schema: &str, table: &str, condition: &str, random: &mut Random, all: &mut Vec<Mutation>) {
    let place = qualified(schema, table);
    for column in columns(crm, schema, table) {
        if let Some(ctid) = pick(crm, &place, condition, random) {
            set(all, schema, table, &column, &of_row(&ctid));
        }
        let has_value = format!("{condition} and t.\"{}\" is not null", column.name);
        if column.is_nullable
            && let Some(ctid) = pick(crm, &place, &has_value, random)
        {
            let name = format!("{schema}.{table}.{} lost", column.name).replace("public.", "");
            let sql = format!(
                "set session_replication_role = replica; update {place} t set \"{}\" = null where {}",
                column.name,
                of_row(&ctid)
            );
            all.push(Mutation { name, sql });
        }
    }
}

fn delete(crm: &Database, schema: &str, table: &str, condition: &str, random: &mut Random, all: &mut Vec<Mutation>) {
    let place = qualified(schema, table);
    if let Some(ctid) = pick(crm, &place, condition, random) {
        let name = format!("{schema}.{table}: a row lost").replace("public.", "");
        let sql = format!("set session_replication_role = replica; delete from {place} t where {}", of_row(&ctid));
        all.push(Mutation { name, sql });
    }
}

/// A row deleted, duplicated, moved to another profile or tenant; the contents of two rows swapped.
fn rows_of(crm: &Database, table: &str, owner: &str, random: &mut Random, all: &mut Vec<Mutation>) {
    delete(crm, "public", table, OURS, random, all);
    let place = qualified("public", table);
    let names: Vec<String> =
        columns(crm, "public", table).into_iter().map(|column| column.name).filter(|name| name != "id").collect();
    let list = |prefix: &str| names.iter().map(|name| format!("{prefix}\"{name}\"")).collect::<Vec<_>>().join(", ");
    let unindexed = format!(
        "do $$ declare i record; begin for i in select indexrelid::regclass as name from pg_index
           where indrelid = '{place}'::regclass and indisunique and not indisprimary loop
           execute 'update pg_index set indisunique = false where indexrelid = ''' || i.name || '''::regclass'; end loop; end $$"
    );
    if let (Some(a), Some(b)) = (pick(crm, &place, OURS, random), pick(crm, &place, OURS, random)) {
        let doubled = format!(
            "{unindexed}; set session_replication_role = replica;
             insert into {place} (\"id\", {}) select 'bf11eeee-eeee-8eee-beee-' || substr(md5(t.\"id\"), 1, 12), {} from {place} t where {}",
            list(""),
            list("t."),
            of_row(&a)
        );
        all.push(Mutation { name: format!("{table}: a row doubled"), sql: doubled });
        if a != b {
            let exchanged = format!(
                "{unindexed}; set session_replication_role = replica;
                 create temp table exchanged as select * from {place} t where {} or {};
                 update {place} t set ({}) = (select {} from exchanged e where e.\"id\" <> t.\"id\")
                 where t.\"id\" in (select \"id\" from exchanged)",
                of_row(&a),
                of_row(&b),
                list(""),
                list("e.")
            );
            all.push(Mutation { name: format!("{table}: the contents of two rows exchanged"), sql: exchanged });
        }
        if owner != "id" {
            let moved = format!(
                "{unindexed}; set session_replication_role = replica; update {place} t set \"{owner}\" =
                 (select min(p.\"id\") from \"CustomerProfile\" p where p.\"id\" <> t.\"{owner}\") where {}",
                of_row(&b)
            );
            all.push(Mutation { name: format!("{table}: a row moved to another profile"), sql: moved });
        }
    }
}

fn stranger(table: &str) -> String {
    let id = "bf110000-0000-8000-8000-00000000beef";
    let profile = r#"(select min("id") from "CustomerProfile")"#;
    match table {
        "CustomerNote" => format!(
            r#"insert into "CustomerNote" ("id", "tenantId", "customerId", "body", "updatedAt") values ('{id}', '1', {profile}, 'x', now())"#
        ),
        "AttributionEvent" => format!(
            r#"insert into "AttributionEvent" ("id", "tenantId", "customerId", "occurredAt") values ('{id}', '1', {profile}, now())"#
        ),
        _ => format!(
            r#"insert into "SyncLog" ("id", "tenantId", "sourceService", "eventType", "eventId") values ('{id}', '1', 'scl', 'x', 'x')"#
        ),
    }
}

/// Rows that no load wrote into schema `backfill`.
fn written_down(all: &mut Vec<Mutation>) {
    let kept = |table: &str, reason: &str| {
        format!(r#"insert into backfill.kept select '{table}', min("id"), '{reason}' from "{table}" where {OURS}"#)
    };
    for (name, sql) in [
        ("backfill.kept: a profile kept for nothing", kept("CustomerProfile", "CHANGED")),
        ("backfill.kept: a consent kept for nothing", kept("MarketingConsent", "WITHDRAWAL_STANDS")),
        ("backfill.kept: an alias kept for nothing", kept("IdentityAlias", "HELD_BY_OTHER")),
        (
            "backfill.kept: a row without a profile",
            "insert into backfill.kept values ('Activity', 'bf110000-0000-8000-8000-00000000beef', 'CHANGED')".to_owned(),
        ),
        (
            "backfill.written: a row without a profile",
            "insert into backfill.written (table_name, id, content)
             values ('CustomerProfile', 'bf110000-0000-8000-8000-00000000beef', md5('x')::uuid)"
                .to_owned(),
        ),
        (
            "backfill.object: an index that never was",
            "insert into backfill.object values ('Activity', 'index', 'none', 'create index')".to_owned(),
        ),
    ] {
        all.push(Mutation { name: name.to_owned(), sql });
    }
}

/// Each index and constraint dropped, and a column that may be null from now on.
fn schema_objects(crm: &Database, all: &mut Vec<Mutation>) {
    let tables = "(select c.oid from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r')";
    for row in crm.rows(&format!(
        "select i.indexrelid::regclass::text from pg_index i
         where i.indrelid in {tables} and not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by 1"
    )) {
        all.push(Mutation { name: format!("index {}", row[0]), sql: format!("drop index {}", row[0]) });
    }
    for row in crm.rows(&format!(
        "select k.conrelid::regclass::text, k.conname from pg_constraint k
         where k.conrelid in {tables} and k.contype in ('p', 'f', 'c', 'u') order by 1, 2"
    )) {
        let sql = format!("alter table {} drop constraint \"{}\" cascade", row[0], row[1]);
        all.push(Mutation { name: format!("constraint {}", row[1]), sql });
    }
    let unvalidated = r#"update pg_constraint set convalidated = false where conname = 'Activity_customerId_fkey'"#;
    let invalid = r#"update pg_index set indisvalid = false where indexrelid = '"Activity_customerId_occurredAt_idx"'::regclass"#;
    let nullable = r#"alter table "Activity" alter column "title" drop not null"#;
    let wider = r#"alter table "CustomerProfile" alter column "handicap" type numeric(6, 2)"#;
    let unique = r#"create unique index mutated on "CustomerProfile" ("id", "email")"#;
    for (name, sql) in [
        ("a foreign key no longer validated", unvalidated),
        ("an index no longer valid", invalid),
        ("a column that may be null", nullable),
        ("a column of another type", wider),
        ("an index that was not there", unique),
    ] {
        all.push(Mutation { name: name.to_owned(), sql: sql.to_owned() });
    }
}
