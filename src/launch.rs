//! A command's own binary: it becomes `crm-backfill <verb>`, the one program that holds all code, so that 25 binaries are not 25 copies.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The program's name.
pub const PROGRAM: &str = "crm-backfill";

/// Hash of the sources this build was made from.
pub const SOURCES: &str = env!("CRM_BACKFILL_SOURCES");

/// Variable by which a command's binary tells the program which sources it was built from.
pub const LAUNCHED_BY: &str = "CRM_BACKFILL_LAUNCHED_BY";

/// Where the program lies, seen from a command's binary: beside it after a build, in `bin` when the binary is in `libexec`.
const PLACES: [&str; 2] = [".", "../../bin"];

/// Replaces this process by the program, so that signals and exit codes are the program's own. Exit 2: the program is not there.
pub fn verb(name: &str) -> ExitCode {
    let own = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("."));
    let candidates: Vec<PathBuf> = PLACES.iter().map(|place| folder.join(place).join(PROGRAM)).collect();
    let Some(program) = candidates.iter().find(|path| path.is_file()) else {
        eprintln!("error[2]: {PROGRAM} is not beside the binary of {name}\n  where   {}\n  help    make build", own.display());
        return ExitCode::from(2);
    };
    let error = Command::new(program).env(LAUNCHED_BY, SOURCES).arg(name).args(std::env::args_os().skip(1)).exec();
    eprintln!("error[1]: {name} did not start: {error}\n  where   {}", program.display());
    ExitCode::FAILURE
}
