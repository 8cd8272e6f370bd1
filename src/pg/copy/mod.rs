//! Conversion between Arrow columns and PostgreSQL's binary COPY format, in both directions.

mod cell;
pub(super) mod column;
pub(super) mod decode;
pub mod encode;
pub mod limits;
pub mod wire;
