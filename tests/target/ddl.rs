//! The CRM's tables with other types of the same meaning: the starting point of each variant.

const CRM: &str = include_str!("../../schemas/crm.sql");

/// The reference tables with every id of this type.
fn with_ids(type_name: &str) -> String {
    let mut ddl = CRM.to_owned();
    for column in ["id", "customerId", "segmentId", "profileAId", "profileBId", "mergedIntoId"] {
        let lines = ddl.lines().map(|line| {
            let is_it = line.trim_start().starts_with(&format!("\"{column}\" "));
            if is_it { line.replacen(" TEXT", &format!(" {type_name}"), 1) } else { line.to_owned() }
        });
        ddl = lines.collect::<Vec<_>>().join("\n");
    }
    ddl
}

/// A timeline partitioned by month; its key includes the instant.
fn with_partitions(partitions: &str) -> String {
    let start = CRM.find("CREATE TABLE \"Activity\"").expect("the reference schema has it");
    let end = start + CRM[start..].find("\n);").expect("it ends");
    let table = CRM[start..end].replace("\"id\"            TEXT PRIMARY KEY", "\"id\" TEXT NOT NULL");
    let rest = &CRM[end + 3..];
    let rest = rest.replacen(
        "CREATE UNIQUE INDEX \"Activity_tenantId_sourceService_sourceId_type_key\" ON \"Activity\" (\"tenantId\", \"sourceService\", \"sourceId\", \"type\");",
        "",
        1,
    );
    format!("{}{table}, primary key (\"id\", \"occurredAt\")) partition by {partitions}\n{rest}", &CRM[..start])
}

/// The starting points, by number.
pub fn tables(which: usize) -> String {
    match which {
        0..=4 => CRM.to_owned(),
        5 => with_ids("UUID"),
        6 => with_ids("VARCHAR(36)"),
        7 => with_ids("CHAR(36)"),
        8 => with_partitions(
            "range (\"occurredAt\"); create table activity_now partition of \"Activity\" for values from ('2026-01-01') to ('2027-01-01');",
        ),
        9 => with_partitions(
            "range (\"occurredAt\"); create table activity_past partition of \"Activity\" for values from ('2020-01-01') to ('2026-01-01');",
        ),
        10 => with_partitions(
            "list (\"occurredAt\"); create table activity_all partition of \"Activity\" default;
             alter table activity_all add constraint short check (char_length(\"title\") < 200);",
        ),
        _ => CRM.replace("JSONB", "JSON").replace("TIMESTAMP(3)", "TIMESTAMPTZ"),
    }
}
