//! Shared code of the tests.

#[cfg(feature = "local-postgres")]
pub mod browser;
#[cfg(feature = "local-postgres")]
pub mod datasets;
#[cfg(feature = "local-postgres")]
pub mod missing;
#[cfg(feature = "local-postgres")]
pub mod pgbouncer;
#[cfg(feature = "local-postgres")]
pub mod postgres;
#[cfg(feature = "local-postgres")]
pub mod proxy;
#[cfg(feature = "local-postgres")]
pub mod role;
#[cfg_attr(not(feature = "local-postgres"), allow(dead_code, reason = "most cases need a server"))]
pub mod soak;
#[cfg(feature = "local-postgres")]
pub mod sql;
#[cfg(feature = "local-postgres")]
pub mod workdir;
#[cfg(feature = "local-postgres")]
pub mod world;
