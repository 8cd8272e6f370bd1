//! The DuckDB statements over the data folder that reproduce each number of the report.

use std::path::Path;

use crate::report::numbers::ReportQuery;

const QUERIES: [(&str, &str); 10] = [
    ("Profiles", "select count(*) from 'DATA/crm/crm__customer_profiles.parquet';"),
    (
        "Outcomes of every exported row",
        "select source, entity, outcome, reason, count(*)\nfrom 'DATA/crm/check__ledger.parquet'\ngroup by all order by all;",
    ),
    (
        "Records by the rule of their link",
        "select rule, count(*), round(avg(confidence)), min(confidence)\nfrom 'DATA/resolve/res__links.parquet'\ngroup by rule order by rule;",
    ),
    (
        "Profiles by the sources that know them",
        "select sources, count(*) from (\n  select profile_id, string_agg(distinct source, ' ' order by source) as sources\n  from 'DATA/resolve/res__links.parquet' where profile_id is not null group by profile_id\n) group by sources order by 2 desc;",
    ),
    (
        "Cluster sizes",
        "select records, count(*) from (\n  select profile_id, count(*) as records\n  from 'DATA/resolve/res__links.parquet' where profile_id is not null group by profile_id\n) group by records order by records;",
    ),
    ("Pairs to review", "select refusal, count(*) from 'DATA/resolve/res__candidates.parquet' group by refusal order by 2 desc;"),
    (
        "Cleaned, defaulted and rejected values",
        "select source, entity, \"column\", effect, reason, value, value_count\nfrom 'DATA/stage/check__findings.parquet' order by all;",
    ),
    (
        "Consent rows",
        "select channel, status, count(*) from 'DATA/crm/crm__marketing_consents.parquet' group by all order by all;",
    ),
    (
        "Activities by month",
        "set timezone = 'UTC';\nselect strftime(occurred_at, '%Y-%m') as month, category, count(*)\nfrom 'DATA/crm/crm__activities.parquet' group by all order by all;",
    ),
    (
        "Scores",
        "select least(engagement_score // 10, 9) as band, count(*)\nfrom 'DATA/score/score__profiles.parquet' group by band order by band;",
    ),
];

/// The statements with the path of the data folder.
pub fn queries(root: &Path) -> Vec<ReportQuery> {
    let folder = root.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned());
    QUERIES.iter().map(|(name, sql)| ReportQuery { name: (*name).to_owned(), sql: sql.replace("DATA", &folder) }).collect()
}
