//! What the tests share.

pub mod population;
pub mod processes;
