//! Moves customers from five databases into one CRM, through files in open formats.
//!
//! ```text
//! five databases ─export-*─▶ data/exports ─stage─▶ data/stage ─resolve─▶ data/resolve
//!     ─consolidate─▶ data/crm ─score─▶ data/score ─load─▶ CRM ─verify─▶ data/verify ─report─▶ data/report
//! ```
//!
//! [`model`] holds the types of the domain, [`tables`] every dataset, [`sources`] what is particular to a source. [`resolve`],
//! [`consolidate`], [`score`], [`segment`] and [`report`] are pure: same input, same bytes. [`store`] alone uses files, [`pg`]
//! alone uses PostgreSQL, [`steps`] connect them, one file per binary. The clock is read once, in [`cli`].

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
