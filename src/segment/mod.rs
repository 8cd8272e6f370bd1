//! The rule language of segments: a typed tree, read from three dialects, evaluated over files; pure. docs/segments.md has it all.

pub mod canonical;
mod check;
mod decimal;
mod error;
mod evaluate;
pub mod field;
pub mod moment;
mod operator;
mod parse;
pub mod plan;
mod refresh;
pub mod rule;
pub mod starter;
mod tally;
pub mod text;

pub use canonical::canonical;
pub use decimal::Decimal;
pub use error::RuleError;
pub use evaluate::{Around, View, evaluate};
pub use field::{Field, Kind};
pub use moment::Clock;
pub use operator::Operator;
pub use parse::{Parsed, parse};
pub use plan::{Plan, plan};
pub use refresh::{Definition, Members, Question, Refresh};
pub use tally::Tallies;

/// Levels of nesting a rule may have.
pub const MAX_DEPTH: usize = 16;
/// Conditions a rule may have.
pub const MAX_LEAVES: usize = 500;
/// Values a list of a rule may have.
pub const MAX_VALUES: usize = 10_000;
/// Bytes a rule may have as JSON.
pub const MAX_CRITERIA: usize = 1 << 20;
