//! A small invented population, exported, consolidated and loaded.

use crm_backfill::demo::{self, Community, DemoPopulation, DemoRecords};
use crm_backfill::model::{Code as _, Source};

use crate::support::postgres::{Database, database};
use crate::support::workdir::Workdir;

/// A segment whose members the load brings.
const SEGMENT: &str = r#"
    insert into "CustomerSegment" ("id", "tenantId", "name", "type", "criteria", "updatedAt")
    values ('3a2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d', '1', 'Everybody with an email', 'DYNAMIC',
            '{"field": "email", "operator": "isNotNull"}', '2020-01-01'),
           ('3a2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7e', '1', 'Booked lately', 'DYNAMIC',
            '{"field": "bookingCount30d", "operator": "gte", "value": 1}', '2020-01-01')"#;

fn sources(workdir: &mut Workdir) -> Vec<Database> {
    let records = DemoRecords::new(Community::new(&DemoPopulation::ORDINARY, 7, 0.004, demo::default_as_of()));
    let fill = |source: &Source| {
        let mut filled = database("");
        demo::fill(&mut filled.client(), *source, &records).unwrap_or_else(|error| panic!("{error:#}"));
        filled.grant();
        workdir.set(source.url_variable(), &filled.url);
        filled
    };
    Source::ALL.iter().map(fill).collect()
}

/// A folder with the exports of all sources and of an empty CRM, that CRM, and the sources.
pub fn exported() -> (Workdir, Database, Vec<Database>) {
    let mut workdir = Workdir::new();
    workdir.set("AS_OF", &demo::default_as_of().to_string());
    let sources = sources(&mut workdir);
    let crm = database(include_str!("../../../schemas/crm.sql"));
    crm.execute(SEGMENT);
    workdir.set("CRM_DATABASE_URL", &crm.url);
    for step in ["export-mca-za", "export-mca-uk", "export-scl", "export-teetime", "export-messaging", "export-crm"] {
        workdir.ok(step, &[]);
    }
    (workdir, crm, sources)
}

/// The same, loaded into the CRM.
pub fn loaded() -> (Workdir, Database, Vec<Database>) {
    let (workdir, crm, sources) = exported();
    for step in ["stage", "resolve", "consolidate", "score", "load"] {
        workdir.ok(step, &[]);
    }
    (workdir, crm, sources)
}
