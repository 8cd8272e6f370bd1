//! The rule language of segments, read from three dialects into a typed tree. Pure. docs/segments.md describes the language.

pub mod canonical;
mod decimal;
pub mod error;
pub mod field;
pub mod moment;
pub mod operator;
pub mod parse;
pub mod plan;
pub mod rule;
pub mod spelling;
pub mod text;

pub use canonical::canonical;
pub use decimal::Decimal;
pub use error::RuleError;
pub use field::{Field, FieldKind};
pub use moment::Clock;
pub use operator::Operator;
pub use parse::{Parsed, parse};
pub use plan::{Plan, Question, plan};

/// Maximum levels of nesting in a rule.
pub const MAX_DEPTH: usize = 16;
/// Maximum number of conditions in a rule.
pub const MAX_LEAVES: usize = 500;
/// Maximum number of values in a list of a rule.
pub const MAX_VALUES: usize = 10_000;
/// Maximum size of a rule as JSON, in bytes.
pub const MAX_CRITERIA: usize = 1 << 20;
