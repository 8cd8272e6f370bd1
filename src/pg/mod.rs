//! The only module that knows PostgreSQL.

pub mod beside;
pub mod catalog;
pub mod changes;
pub mod checks;
mod column;
mod connect;
pub mod copy;
pub mod crm;
mod decode;
mod export;
mod fault;
pub mod first_load;
pub mod guard;
pub mod ledger;
pub mod load;
#[cfg(feature = "local-postgres")]
pub mod local;
pub mod preflight;
pub mod quiet;
mod readiness;
mod references;
pub mod rollback;
pub mod rows;
pub mod segment_sql;
pub mod segments;
pub mod session;
mod snapshot;
pub mod staging;
pub mod synchronise;
mod tls;
pub mod url;
pub mod verifier;

pub use connect::{APPLICATION, Connection};
pub use export::{Exported, Prepared, Query};
pub use fault::database_fault;
pub use readiness::{Checked, Watermark, check_crm, check_source, watermarks};
pub use references::{Catalog, missing};
pub use snapshot::{Snapshot, visible_tables};

/// A name as SQL writes it, whatever it holds.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
