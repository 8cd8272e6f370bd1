//! The formats of values.

mod formats;
