//! Values as SQL literals.

use crm_backfill::model::Timestamp;

pub fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}

pub fn at(instant: Option<Timestamp>) -> String {
    quoted(instant.map(|at| at.utc().naive_utc().to_string()).as_deref())
}

pub fn number(value: Option<i32>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}
