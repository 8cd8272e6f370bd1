//! What the tests share.

#[cfg(feature = "local-postgres")]
pub mod datasets;
#[cfg(feature = "local-postgres")]
pub mod postgres;
#[cfg(feature = "local-postgres")]
pub mod proxy;
#[cfg(feature = "local-postgres")]
pub mod workdir;
#[cfg(feature = "local-postgres")]
pub mod world;
