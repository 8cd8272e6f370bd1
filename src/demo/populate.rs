//! Databases for the invented population, its truth beside them, and the mark that says what the folder holds.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::model::{Code as _, Source, Timestamp};
use crate::pg::local::{Client, LocalServer};

use super::records::Records;
use super::rows::Filled;
use super::{crm, mca, messaging, scl, teetime};

/// What the demo's data was made of. Two markers that are equal stand for the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// Version of this file.
    pub format: u32,
    /// Name of the [`super::Population`].
    pub population: String,
    /// Size; 1 is the strategy's estimates.
    pub scale: f64,
    /// Seed.
    pub seed: u64,
    /// The instant the data ends at.
    pub as_of: String,
    /// The crate's version, since another one may invent other people.
    pub version: String,
}

impl Marker {
    /// The marker of records.
    pub fn of(records: &Records) -> Self {
        let town = &records.town;
        Self {
            format: 1,
            population: town.population.name.to_owned(),
            scale: town.scale,
            seed: town.seed,
            as_of: town.as_of.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The marker of a data folder; `None` for a folder that is nobody's demo.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        match fs::read(folder.join(".demo")) {
            Ok(text) => Ok(Some(
                serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", folder.join(".demo").display()))?,
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", folder.join(".demo").display())),
        }
    }

    /// Marks a data folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(".demo");
        fs::write(&path, serde_json::to_vec_pretty(self)?).with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The database of a source, or of the CRM, on the demo's server.
pub fn database(source: Option<Source>) -> String {
    format!("demo_{}", source.map_or("crm", |source| source.code()))
}

/// Makes the six databases anew and fills the five sources; the CRM gets its tables and some segments.
pub fn populate(server: &LocalServer, records: &Records) -> Result<Vec<(String, Vec<Filled>)>> {
    let (seed, as_of) = (records.town.seed, records.town.as_of);
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for target in
            [Some(Source::Messaging), Some(Source::Teetime), Some(Source::McaZa), Some(Source::McaUk), Some(Source::Scl), None]
        {
            let name = database(target);
            let filling = scope.spawn(move || {
                server.drop_database(&name)?;
                server.create_database(&name)?;
                let mut client = server.client(&name)?;
                let filled = match target {
                    None => filled(&mut client, include_str!("../../schemas/crm.sql"), |client| crm::fill(client, seed, as_of)),
                    Some(source) => fill(&mut client, source, records),
                };
                filled.map(|filled| (name.clone(), filled)).with_context(|| format!("database {name}"))
            });
            running.push(filling);
        }
        let mut done = Vec::new();
        for filling in running {
            done.push(filling.join().map_err(|_| anyhow::anyhow!("a database was not filled"))??);
        }
        done.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(done)
    })
}

/// Fills the database of one source, which has no tables yet.
pub fn fill(client: &mut Client, source: Source, records: &Records) -> Result<Vec<Filled>> {
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

/// Tables and rows in one transaction: what a new table is given in it needs no log.
fn filled(client: &mut Client, ddl: &str, fill: impl FnOnce(&mut Client) -> Result<Vec<Filled>>) -> Result<Vec<Filled>> {
    // References hold by construction, and checking a million of them row by row takes longer than all the rest.
    client.execute("begin; set local session_replication_role = replica")?;
    client.execute(ddl)?;
    let filled = fill(client)?;
    client.execute("commit; analyze")?;
    Ok(filled)
}

/// Writes who is who: one line per person record. Only its owner may read it, as if it were about real people.
pub fn write_truth(records: &Records, path: &Path) -> Result<()> {
    let place = || format!("{} cannot be written", path.display());
    let file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path).with_context(place)?;
    let mut out = BufWriter::new(file);
    writeln!(out, "source,entity,source_id,person").with_context(place)?;
    for source in Source::ALL {
        for record in records.of(*source) {
            writeln!(out, "{},{},{},p{:06}", source.code(), source.people(), record.id, record.person).with_context(place)?;
        }
    }
    out.flush().with_context(place)
}

/// The instant a marker names.
pub fn as_of(marker: &Marker) -> Option<Timestamp> {
    Timestamp::parse(&marker.as_of)
}
