//! The rule language of segments: a typed tree, read from three dialects; pure. docs/segments.md describes it.

pub mod canonical;
mod decimal;
pub mod error;
pub mod field;
pub mod moment;
pub mod operator;
pub mod parse;
pub mod plan;
pub mod rule;
pub mod text;

pub use canonical::canonical;
pub use decimal::Decimal;
pub use error::RuleError;
pub use field::{Field, Kind};
pub use moment::Clock;
pub use operator::Operator;
pub use parse::{Parsed, parse};
pub use plan::{Plan, Question, plan};

/// Levels of nesting a rule may have.
pub const MAX_DEPTH: usize = 16;
/// Conditions a rule may have.
pub const MAX_LEAVES: usize = 500;
/// Values a list of a rule may have.
pub const MAX_VALUES: usize = 10_000;
/// Bytes a rule may have as JSON.
pub const MAX_CRITERIA: usize = 1 << 20;
