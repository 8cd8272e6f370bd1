//! Cases from public issue trackers, real tools and independent data. Each test names its case.

mod bench;
mod canary;
mod canary_rare;
mod consent;
mod dates;
mod dump_files;
pub mod dumps;
mod files;
mod identity;
mod living;
mod messages;
mod people;
mod poolers;
mod roles;
mod rules;
mod safety;
mod secrets;
mod sessions;
mod shell;
#[cfg(feature = "local-postgres")]
mod source_types;
mod sources;
mod spellings;
#[cfg(feature = "local-postgres")]
mod target;
