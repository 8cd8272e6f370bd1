//! The data dictionary: a Markdown page and a DuckDB view for each declaration.

use std::fmt::Write;

use arrow::datatypes::{DataType, TimeUnit};

use crate::model::{Code, Source};
use crate::tables::Dataset;

/// The layer folder of a dataset, below the data folder.
pub fn folder(stem: &str) -> String {
    let (layer, entities) = stem.split_once("__").unwrap_or((stem, ""));
    match layer.split_once('_') {
        Some(("raw", source)) => format!("exports/{source}"),
        Some(_) => "stage".to_owned(),
        None => match (layer, entities) {
            ("res", _) => "resolve".to_owned(),
            ("seg", _) => "score".to_owned(),
            ("check", "rejects" | "findings") => "stage".to_owned(),
            ("check", "ledger" | "departures" | "manual_review" | "proofs") => "crm".to_owned(),
            ("check", _) => "verify".to_owned(),
            (layer, _) => layer.to_owned(),
        },
    }
}

/// The page of a dataset: what a row means, then every column.
pub fn page(dataset: &Dataset) -> String {
    let description = dataset.description.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut page = format!("# {}\n\n{description}\n\n", dataset.stem);
    let _ =
        writeln!(page, "Key, and order in the file: `{}`. Folder: `data/{}`.\n", dataset.key.join("`, `"), folder(dataset.stem));
    page.push_str("| column | type | null | meaning |\n|---|---|---|---|\n");
    for column in dataset.columns {
        let null = if column.nullable { "yes" } else { "no" };
        let mut meaning = column.description().replace('|', "\\|");
        let words = (column.words)();
        if !words.is_empty() {
            let _ = write!(meaning, " One of: `{}`.", words.join("`, `"));
        }
        let _ = writeln!(page, "| {} | {} | {null} | {meaning} |", column.name, type_name(&(column.data_type)()));
    }
    page.push_str("\nGenerated from the declaration by `make golden`.\n");
    page
}

/// A column's type in words.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "int32".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => "timestamp (µs, UTC)".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(_) => "list of text".to_owned(),
        other => other.to_string(),
    }
}

/// The stems of a dataset: one for each source that has it, or the stem itself.
pub fn stems(dataset: &Dataset, sources: impl Fn(&str, Source) -> bool) -> Vec<String> {
    if !dataset.stem.contains("{source}") {
        return vec![dataset.stem.to_owned()];
    }
    let of = |source: &Source| dataset.stem.replace("{source}", source.code());
    Source::ALL.iter().filter(|source| sources(dataset.stem, **source)).map(of).collect()
}

/// A DuckDB script that names each dataset as a view, with the descriptions as comments. Run it inside the data folder.
pub fn views(datasets: &[(String, Dataset)]) -> String {
    let mut script = String::from(
        "-- Every dataset as a view with its descriptions. Inside the data folder: duckdb -init views.sql\nset timezone = 'UTC';\n",
    );
    let quoted = |text: &str| text.replace('\'', "''");
    for (stem, dataset) in datasets {
        let description = dataset.description.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(script, "\ncreate or replace view {stem} as from '{}/{stem}.parquet';", folder(stem));
        let _ = writeln!(script, "comment on view {stem} is '{}';", quoted(&description));
        for column in dataset.columns {
            let _ = writeln!(script, "comment on column {stem}.{} is '{}';", column.name, quoted(&column.description()));
        }
    }
    script
}

/// Whether a column holds personal data, which is masked unless the operator asks for it.
pub fn is_personal(column: &str) -> bool {
    const STARTS: &[&str] = &["email", "phone", "mobile", "first_", "last_", "forename", "surname", "date_of_birth", "born_"];
    const NAMES: &[&str] = &[
        "name",
        "display_name",
        "gender_raw",
        "handicap_raw",
        "golf_rsa_id",
        "cdh_id",
        "mca_id",
        "auth_user_id",
        "external_subject",
        "external_id",
        "external_ids",
        "value",
        "address",
    ];
    let is_time_or_flag = column.ends_with("_at") || column.ends_with("_in") || column.ends_with("_class");
    !is_time_or_flag && (STARTS.iter().any(|start| column.starts_with(start)) || NAMES.contains(&column))
}

/// A personal value reduced to its first letters; emails keep their shape.
pub fn mask(value: &str) -> String {
    let part = |text: &str| text.chars().next().map_or_else(String::new, |first| format!("{first}•••"));
    match value.split_once('@') {
        Some((local, domain)) => format!("{}@{}", part(local), part(domain)),
        None => part(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_value_shows_its_first_letters_only() {
        assert_eq!(mask("naledi@mail.test"), "n•••@m•••");
        assert_eq!(mask("+447700900123"), "+•••");
        assert!(
            is_personal("email_key") && is_personal("first_name") && !is_personal("last_seen_at") && !is_personal("email_opt_in")
        );
    }

    #[test]
    fn folders_follow_from_the_layer() {
        assert_eq!(folder("raw_mca_za__members"), "exports/mca_za");
        assert_eq!(folder("stg_scl__people"), "stage");
        assert_eq!(folder("res__links"), "resolve");
        assert_eq!(folder("seg__memberships"), "score");
        assert_eq!(folder("check__ledger"), "crm");
        assert_eq!(folder("crm__activities"), "crm");
        assert_eq!(folder("score__profiles"), "score");
    }
}
