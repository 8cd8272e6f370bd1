//! The demo population as labelled records.

use crm_backfill::demo::{DemoPopulation, DemoRecord, DemoRecords, people};
use crm_backfill::model::{Code as _, Gender, Source};

use super::Raw;

/// The people records of all sources of one population.
pub fn records(population: &DemoPopulation, seed: u64, scale: f64) -> Vec<Raw> {
    let records = people(population, seed, scale);
    Source::ALL.iter().flat_map(|&source| of_source(&records, source)).collect()
}

/// The people records of one source, made as they are asked for.
pub fn of_source(records: &DemoRecords, source: Source) -> impl Iterator<Item = Raw> + '_ {
    records.of(source).map(|record| raw(records, record))
}

/// A record with its truth.
pub fn raw(records: &DemoRecords, record: DemoRecord) -> Raw {
    let text = |value: Option<String>| value.unwrap_or_default();
    let auth = text(record.auth_user_id);
    Raw {
        source: record.source,
        id: record.id,
        tenant: record.tenant,
        email: text(record.email),
        phone: text(record.phone),
        first: text(record.first_name),
        last: text(record.last_name),
        born: text(record.born_on),
        gender: match record.gender.unwrap_or_default().trim().to_lowercase().chars().next() {
            Some('m') => Gender::Male,
            Some('f' | 'v') => Gender::Female,
            _ => Gender::Unknown,
        },
        golf_rsa: text(record.golf_rsa_id),
        cdh: text(record.cdh_id),
        mca: text(record.mca_id),
        auth: if auth.contains('|') || auth.len() == 36 { auth } else { String::new() },
        household: records.household(record.person),
        person: record.person,
    }
}
