//! PostgreSQL; no other module uses it.

pub mod compare;
mod connect;
pub mod copy;
mod export;
pub mod load;
mod loaded;
#[cfg(feature = "local-postgres")]
pub mod local;
pub mod verify;

pub use connect::error::database_fault;
pub use connect::{APPLICATION, Begin, Connection, url};
pub use export::check_source::{Checked, Watermark, check_crm, check_source, watermarks};
pub use export::references::{VisibleTables, missing, unread};
pub use export::snapshot::{Snapshot, visible_tables};
pub use export::{ExportQuery, Exported, Prepared};
pub use loaded::identity;

/// A quoted SQL identifier.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
