//! Five invented source databases, made once for all tests, and as many CRMs as a test wants.

use std::sync::OnceLock;

use crm_backfill::model::{Code, Phase, Source};

use crate::support::postgres::{Database, database};

/// The instant the invented world is seen from.
pub const AS_OF: &str = "2026-11-01T08:00:00Z";

/// The databases of the invented world.
pub struct World {
    sources: Vec<(Source, Database)>,
}

/// The world that tests share; they only read its sources.
pub fn shared() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World { sources: Vec::new() })
}

impl World {
    /// The variable and URL of each source.
    pub fn source_urls(&self) -> Vec<(&'static str, String)> {
        self.sources.iter().map(|(source, database)| (source.url_variable(), database.url.clone())).collect()
    }

    /// A new CRM with its tables, the demo's segments in it.
    pub fn crm(&self) -> Database {
        database(include_str!("../../schemas/crm.sql"))
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
