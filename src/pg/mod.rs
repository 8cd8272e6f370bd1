//! The only module that knows PostgreSQL.

mod column;
mod connect;
mod decode;
mod export;
mod fault;
#[cfg(feature = "local-postgres")]
pub mod local;
mod references;
mod snapshot;
mod tls;
pub mod url;

pub use connect::{APPLICATION, Connection};
pub use export::{Exported, Prepared, Query};
pub use fault::database_fault;
pub use references::{Catalog, missing};
pub use snapshot::{Snapshot, catalog};

/// A name as SQL writes it, whatever it holds.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
