//! Five invented source databases, created once for all tests, and CRMs for each test.

use std::sync::OnceLock;

use crm_backfill::demo::{self, DemoPopulation, DemoRecords};
use crm_backfill::model::{Code, Phase, Source};

use crate::support::postgres::{Database, database};

/// The as_of of the invented world.
pub const AS_OF: &str = "2026-11-01T06:00:00Z";

/// People, bookings and messages relative to the strategy's estimates.
const SCALE: f64 = 0.003;

/// The databases of the invented world.
pub struct World {
    sources: Vec<(Source, Database)>,
}

/// The world that tests share; they only read its sources.
pub fn shared() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::of(&DemoPopulation::ORDINARY, 7, SCALE))
}

impl World {
    /// The databases of another population.
    pub fn of(population: &DemoPopulation, seed: u64, scale: f64) -> Self {
        let records: DemoRecords = demo::people(population, seed, scale);
        let fill = |source: &Source| {
            let mut database = database("select");
            demo::fill(&mut database.client(), *source, &records).unwrap_or_else(|error| panic!("{source}: {error:#}"));
            database.grant();
            (*source, database)
        };
        Self { sources: Source::ALL.iter().map(fill).collect() }
    }

    /// The database of each source.
    pub fn databases(&self) -> impl Iterator<Item = &(Source, Database)> {
        self.sources.iter()
    }

    /// The variable and URL of each source.
    pub fn source_urls(&self) -> Vec<(&'static str, String)> {
        self.sources.iter().map(|(source, database)| (source.url_variable(), database.url.clone())).collect()
    }

    /// A new CRM with its tables and a few segments that users have defined.
    pub fn crm(&self) -> Database {
        let crm = database(include_str!("../../schemas/crm.sql"));
        crm.execute(
            r#"insert into "CustomerSegment" ("id", "tenantId", "name", "type", "criteria", "updatedAt", "createdAt") values
                 ('5e9a0001-0000-4000-8000-000000000001', '1', 'Booked lately', 'DYNAMIC',
                  '{"all": [{"field": "bookingCount30d", "operator": "gte", "value": 1}]}', '2026-01-01', '2026-01-01'),
                 ('5e9a0001-0000-4000-8000-000000000002', '2', 'Reachable by e-mail', 'DYNAMIC',
                  '{"combinator": "AND", "rules": [{"field": "emailOptIn", "operator": "eq", "value": true}]}', '2026-01-01', '2026-01-01'),
                 ('5e9a0001-0000-4000-8000-000000000003', '1', 'Broken', 'DYNAMIC',
                  '{"field": "shoeSize", "operator": "eq", "value": 9}', '2026-01-01', '2026-01-01')"#,
        );
        crm
    }
}

/// A separate world whose databases a test may change.
pub struct Owned(World);

impl Owned {
    /// A small one.
    pub fn new() -> Self {
        Self::of(8, SCALE)
    }

    /// One of another seed and size.
    pub fn of(seed: u64, scale: f64) -> Self {
        Self(World::of(&DemoPopulation::ORDINARY, seed, scale))
    }

    /// The databases of its sources.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.0.sources.iter().map(|(_, database)| database)
    }

    /// The database of a source.
    pub fn source(&self, source: Source) -> &Database {
        self.databases().nth(Source::ALL.iter().position(|known| *known == source).unwrap()).unwrap()
    }
}

impl std::ops::Deref for Owned {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

/// The exporters of a phase.
pub fn exporters(phase: u8) -> impl Iterator<Item = &'static str> {
    Phase::new(phase).unwrap().sources().map(|source| match source {
        Source::McaZa => "export-mca-za",
        Source::McaUk => "export-mca-uk",
        Source::Scl => "export-scl",
        Source::Teetime => "export-teetime",
        Source::Messaging => "export-messaging",
    })
}
