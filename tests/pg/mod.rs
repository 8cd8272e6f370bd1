//! Work on a real PostgreSQL: connecting, loading, verifying, and the server that the tests start.

mod connect;
pub mod load;
mod local;
mod verify;
