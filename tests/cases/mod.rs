//! Cases from public trackers, real tools and independent data: each test names the case it holds.

mod canary;
mod consent;
mod dumps;
mod identity;
mod living;
mod messages;
mod poolers;
mod roles;
mod rules;
mod secrets;
mod sessions;
mod sources;
