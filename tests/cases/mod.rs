//! Cases from public trackers, real tools and independent data: each test names the case it holds.

#[cfg(feature = "local-postgres")]
mod canary;
#[cfg(feature = "local-postgres")]
mod messages;
#[cfg(feature = "local-postgres")]
mod poolers;
#[cfg(feature = "local-postgres")]
mod roles;
#[cfg(feature = "local-postgres")]
mod secrets;
#[cfg(feature = "local-postgres")]
mod sessions;
#[cfg(feature = "local-postgres")]
mod sources;
