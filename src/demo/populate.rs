//! Creates and fills the databases of the demo.

use anyhow::{Context as _, Result};

use crate::model::{Code as _, Source, Timestamp};
use crate::pg::local::{Client, LocalServer};

use super::records::DemoRecords;
use super::rows::Filled;
use super::{crm, mca, messaging, scl, teetime};

/// The database of a source, or of the CRM, on the demo's server.
pub fn database(source: Option<Source>) -> String {
    format!("demo_{}", source.map_or("crm", |source| source.code()))
}

/// Recreates the six databases and fills the five sources. The CRM gets its tables and some segments.
pub fn populate(server: &LocalServer, records: &DemoRecords) -> Result<Vec<(String, Vec<Filled>)>> {
    let (seed, as_of) = (records.community.seed, records.community.as_of);
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for target in Source::ALL.iter().map(|source| Some(*source)).chain([None]) {
            let name = database(target);
            let filling = scope.spawn(move || {
                let filled = match target {
                    None => empty_crm(server, seed, as_of),
                    Some(source) => {
                        server.drop_database(&name)?;
                        server.create_database(&name)?;
                        fill(&mut server.client(&name)?, source, records)
                    }
                };
                filled.map(|filled| (name.clone(), filled)).with_context(|| format!("database {name}"))
            });
            running.push(filling);
        }
        let mut done = Vec::new();
        for filling in running {
            done.push(filling.join().map_err(|_| anyhow::anyhow!("filling a database failed"))??);
        }
        done.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(done)
    })
}

/// Recreates the CRM: its tables, and segments that users have defined.
pub fn empty_crm(server: &LocalServer, seed: u64, as_of: Timestamp) -> Result<Vec<Filled>> {
    let name = database(None);
    server.drop_database(&name)?;
    server.create_database(&name)?;
    filled(&mut server.client(&name)?, include_str!("../../schemas/crm.sql"), |client| crm::fill(client, seed, as_of))
}

/// Creates the tables of one source in an empty database and fills them.
pub fn fill(client: &mut Client, source: Source, records: &DemoRecords) -> Result<Vec<Filled>> {
    match source {
        Source::McaZa => filled(client, include_str!("../../schemas/sources/mca_za.sql"), |client| mca::fill_za(client, records)),
        Source::McaUk => filled(client, include_str!("../../schemas/sources/mca_uk.sql"), |client| mca::fill_uk(client, records)),
        Source::Scl => filled(client, include_str!("../../schemas/sources/scl.sql"), |client| scl::fill(client, records)),
        Source::Teetime => {
            filled(client, include_str!("../../schemas/sources/teetime.sql"), |client| teetime::fill(client, records))
        }
        Source::Messaging => {
            filled(client, include_str!("../../schemas/sources/messaging.sql"), |client| messaging::fill(client, records))
        }
    }
}

/// Tables and rows in one transaction, because PostgreSQL then writes no log for the rows.
fn filled(client: &mut Client, ddl: &str, fill: impl FnOnce(&mut Client) -> Result<Vec<Filled>>) -> Result<Vec<Filled>> {
    // Foreign keys hold by construction. Checking a million of them row by row takes longer than everything else.
    client.execute("begin; set local session_replication_role = replica")?;
    client.execute(ddl)?;
    let filled = fill(client)?;
    client.execute("commit; analyze")?;
    Ok(filled)
}
