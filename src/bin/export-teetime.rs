//! Exports TeeTime: players, clubs, courses, associations, preferences and bookings.

#[path = "../launch.rs"]
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::verb("export-teetime")
}
