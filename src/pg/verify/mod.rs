//! What verification asks the CRM: its session, the checks, and segment rules as SQL.

pub mod checks;
pub mod segment_sql;
pub mod session;
