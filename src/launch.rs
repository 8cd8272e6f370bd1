//! The small binary of a verb. It replaces itself with `crm-backfill <verb>`, the program that has all the code, so that the
//! code is linked only once.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The name of the program.
pub const PROGRAM: &str = "crm-backfill";

/// Hash of the sources of this build.
pub const SOURCES: &str = env!("CRM_BACKFILL_SOURCES");

/// Environment variable in which a command's binary passes the hash of its sources to the program.
pub const LAUNCHED_BY: &str = "CRM_BACKFILL_LAUNCHED_BY";

/// The path of the program for a command's binary: next to it after a build, in `bin` if the binary is in `libexec`.
const PLACES: [&str; 2] = [".", "../../bin"];

/// Replaces this process with the program, so that signals and exit codes are those of the program. Exit 2: the program does not
/// exist.
pub fn verb(name: &str) -> ExitCode {
    let own = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("."));
    let candidates: Vec<PathBuf> = PLACES.iter().map(|place| folder.join(place).join(PROGRAM)).collect();
    let Some(program) = candidates.iter().find(|path| path.is_file()) else {
        eprintln!("error[2]: {PROGRAM} is not next to the binary of {name}\n  where   {}\n  help    make build", own.display());
        return ExitCode::from(2);
    };
    let error = Command::new(program).env(LAUNCHED_BY, SOURCES).arg(name).args(std::env::args_os().skip(1)).exec();
    eprintln!("error[1]: {name} did not start: {error}\n  where   {}", program.display());
    ExitCode::FAILURE
}
