//! The only module that knows PostgreSQL.

mod column;
mod connect;
mod decode;
mod fault;
#[cfg(feature = "local-postgres")]
pub mod local;
mod tls;
pub mod url;

pub use connect::{APPLICATION, Connection};
pub use fault::database_fault;

/// A name as SQL writes it, whatever it holds.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
