//! Moves customers from five databases into one CRM, through files in open formats.
//!
//! ```text
//! five databases ─export-*─▶ data/exports ─stage─▶ data/stage ─resolve─▶ data/resolve
//!     ─consolidate─▶ data/crm ─score─▶ data/score ─load─▶ CRM ─verify─▶ data/verify ─report─▶ data/report
//! ```
//!
//! [`model`] holds the types of the domain, [`tables`] declares every dataset, and [`sources`] has what differs by source.
//! [`resolve`], [`consolidate`], [`score`], [`segment`], [`prove`], [`changes`] and [`report`] are pure: the same input gives
//! the same bytes. Only [`store`] reads and writes datasets, and only [`pg`] uses PostgreSQL. [`steps`] connects them, with one
//! module per verb. [`cli`] reads the clock, once.

pub mod changes;
pub mod cli;
pub mod config;
pub mod consolidate;
pub mod datasets;
#[cfg(feature = "local-postgres")]
pub mod demo;
pub mod dsn;
pub mod fault;
pub mod interrupt;
pub mod launch;
pub mod model;
pub mod pg;
pub mod progress;
pub mod prove;
pub mod report;
pub mod resolve;
pub mod score;
pub mod segment;
pub mod segment_rule;
pub mod sources;
pub mod steps;
pub mod store;
pub mod tables;
