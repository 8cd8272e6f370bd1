//! The only module that knows PostgreSQL.

#[cfg(feature = "local-postgres")]
pub mod local;
