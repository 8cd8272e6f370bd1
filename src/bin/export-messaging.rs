//! Exports Messaging: contacts, preferences, consent changes and messages.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("export-messaging")
}
