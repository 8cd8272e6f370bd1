//! The DuckDB statements over the data folder that reproduce each number of the report.

use std::path::Path;

use crate::report::numbers::ReportQuery;

/// A statement: its name in links, what it counts, and the SQL, in which DATA stands for the data folder.
type NamedStatement = (&'static str, &'static str, &'static str);

const QUERIES: [NamedStatement; 21] = [
    ("profiles", "Profiles", "select count(*) from 'DATA/crm/crm__customer_profiles.parquet';"),
    ("exported", "Exported rows", "select count(*) from 'DATA/crm/check__ledger.parquet';"),
    (
        "outcomes",
        "Outcomes of every exported row",
        "select source, entity, outcome, reason, count(*)\nfrom 'DATA/crm/check__ledger.parquet'\ngroup by all order by all;",
    ),
    (
        "records",
        "Outcomes of the person records",
        "with seeds as (\n  select profile_id, source as seed_source from 'DATA/resolve/res__links.parquet' where rule = 'FOUNDER'\n)\nselect links.source, count(*) as records,\n  count(*) filter (rule = 'FOUNDER') as seed_records,\n  count(*) filter (rule <> 'FOUNDER' and seed_source <> links.source) as linked,\n  count(*) filter (rule <> 'FOUNDER' and seed_source = links.source) as merged,\n  count(*) filter (profile_id is null) as skipped,\n  count(distinct profile_id) as profiles_with_it\nfrom 'DATA/resolve/res__links.parquet' links left join seeds using (profile_id)\ngroup by links.source order by links.source;",
    ),
    (
        "rejected",
        "Rejected rows",
        "select source, entity, reason, count(*)\nfrom 'DATA/crm/check__ledger.parquet' where outcome = 'REJECTED'\ngroup by all order by 4 desc;",
    ),
    (
        "overlaps",
        "Profiles by the sources that know them",
        "select sources, count(*) from (\n  select profile_id, string_agg(distinct source, ' ' order by source) as sources\n  from 'DATA/resolve/res__links.parquet' where profile_id is not null group by profile_id\n) group by sources order by 2 desc;",
    ),
    (
        "services",
        "Profiles that the services know",
        "select count(*) as profiles,\n  count(scl_member_id) as scl, count(teetime_player_id) as teetime, count(messaging_contact_id) as messaging,\n  count(*) filter (scl_member_id is not null and teetime_player_id is not null and messaging_contact_id is not null) as all_three\nfrom 'DATA/crm/crm__customer_profiles.parquet';",
    ),
    (
        "weights",
        "Links and pairs to review by match weight",
        "select bits, sum(links) as links, sum(candidates) as candidates from (\n  select floor(bits16 / 16) as bits, 1 as links, 0 as candidates\n  from 'DATA/resolve/res__links.parquet' where profile_id is not null and rule <> 'FOUNDER'\n  union all\n  select floor(bits16 / 16), 0, 1 from 'DATA/resolve/res__candidates.parquet'\n) group by bits order by bits;",
    ),
    (
        "review",
        "Pairs to review",
        "select refusal, count(*) from 'DATA/resolve/res__candidates.parquet' group by refusal order by 2 desc;",
    ),
    (
        "hubs",
        "Over-shared values",
        "select kind, reason, count(*) as shared_values, sum(record_count) as records\nfrom 'DATA/resolve/res__hubs.parquet' group by all order by all;",
    ),
    (
        "rules",
        "Records by the rule of their link",
        "select rule, count(*), round(avg(confidence)), min(confidence)\nfrom 'DATA/resolve/res__links.parquet' where profile_id is not null\ngroup by rule order by rule;",
    ),
    (
        "clusters",
        "Cluster sizes",
        "select records, count(*) from (\n  select profile_id, count(*) as records\n  from 'DATA/resolve/res__links.parquet' where profile_id is not null group by profile_id\n) group by records order by records;",
    ),
    (
        "values",
        "Cleaned, defaulted and rejected values",
        "select source, entity, \"column\", effect, reason, value, value_count\nfrom 'DATA/stage/check__findings.parquet' order by all;",
    ),
    ("filled", "Share of filled values of a source, here SCL", "summarize from 'DATA/stage/stg_scl__people.parquet';"),
    (
        "flags",
        "Opt-in flags of profiles, and what proves them",
        "with flags as (\n  select id, unnest(['EMAIL', 'SMS', 'PUSH', 'WHATSAPP']) as flag_channel,\n    unnest([email_opt_in, sms_opt_in, push_opt_in, whatsapp_opt_in]) as is_on\n  from 'DATA/crm/crm__customer_profiles.parquet'\n), with_row as (\n  select distinct customer_id, channel from 'DATA/crm/crm__marketing_consents.parquet'\n  where status = 'OPTED_IN' and scope <> 'transactional'\n)\nselect flag_channel, count(*) filter (is_on) as may_be_contacted,\n  count(*) filter (is_on and customer_id is not null) as with_a_consent_row,\n  count(*) filter (is_on and customer_id is null) as by_a_contact_flag_alone, count(*) as profiles\nfrom flags left join with_row on customer_id = id and channel = flag_channel\ngroup by flag_channel order by flag_channel;",
    ),
    (
        "consents",
        "Consent rows and what decided them",
        "select channel, status, evidence ->> '$.evidenceKind' as decided_by, count(*)\nfrom 'DATA/crm/crm__marketing_consents.parquet' group by all order by all;",
    ),
    (
        "suppressions",
        "Suppressed contact points",
        "select channel, reason, count(*) from 'DATA/crm/crm__suppressions.parquet' group by all order by all;",
    ),
    (
        "activities",
        "Activities by month",
        "set timezone = 'UTC';\nselect strftime(occurred_at, '%Y-%m') as month, category, activity_type, count(*)\nfrom 'DATA/crm/crm__activities.parquet' group by all order by all;",
    ),
    (
        "scores",
        "Scores",
        "select least(engagement_score // 10, 9) as band, count(*),\n  count(*) filter (churn_risk_score >= 50) as at_risk\nfrom 'DATA/score/score__profiles.parquet' group by band order by band;",
    ),
    (
        "segments",
        "Members of segments by rule",
        "select tenant_id, name, rule_member_count, error\nfrom 'DATA/score/seg__refreshes.parquet' order by tenant_id, name;",
    ),
    (
        "deviations",
        "Rows decided by deviations",
        "select departure, row_count from 'DATA/crm/check__departures.parquet' order by row_count desc;",
    ),
];

/// The statements with the path of the data folder.
pub fn queries(root: &Path) -> Vec<ReportQuery> {
    let folder = root.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned());
    let query = |(key, name, sql): &NamedStatement| ReportQuery {
        key: (*key).to_owned(),
        name: (*name).to_owned(),
        sql: sql.replace("DATA", &folder),
    };
    QUERIES.iter().map(query).collect()
}
