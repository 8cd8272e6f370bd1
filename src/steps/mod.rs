//! Glue, one file per binary: read, call pure code, write.

pub mod score;
