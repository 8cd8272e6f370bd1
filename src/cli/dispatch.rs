//! The dispatcher: `crm-backfill <verb> …` runs the sibling binary `<verb>`, as git does.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::{Program, exit_of_printing, print_fault, print_stdout, version};
use crate::fault::{Exit, Fault};
use crate::model::did_you_mean;

/// Folders of the binaries, relative to the dispatcher's: the same folder after a build, libexec when installed.
const PLACES: [&str; 2] = [".", "../libexec/crm-backfill"];

/// Runs the binary of the verb with the remaining arguments; it replaces this process, so that signals and exit codes are its own.
pub fn dispatch(programs: &[&Program], commit: Option<&str>) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_else(|| OsString::from("help"));
    let rest: Vec<OsString> = arguments.collect();
    match verb.to_str() {
        Some("help" | "-h" | "--help") => match rest.first().and_then(|verb| verb.to_str()) {
            Some(verb) => run(programs, verb, &[OsString::from("--help")]),
            None => ExitCode::from(exit_of_printing(print_stdout(&overview(programs)))),
        },
        Some("-V" | "--version" | "version") => {
            ExitCode::from(exit_of_printing(print_stdout(&format!("crm-backfill {}\n", version(commit)))))
        }
        Some(verb) => run(programs, verb, &rest),
        None => fail(Fault::new(Exit::Usage, "the verb is not valid UTF-8").help("crm-backfill help")),
    }
}

fn run(programs: &[&Program], verb: &str, rest: &[OsString]) -> ExitCode {
    if !programs.iter().any(|program| program.name == verb) {
        let mut fault = Fault::new(Exit::Usage, format!("{verb:?} is not a command of crm-backfill"));
        if let Some(near) = did_you_mean(verb, programs.iter().map(|program| program.name)) {
            fault = fault.help(format!("did you mean: crm-backfill {near}"));
        }
        return fail(fault.help("all commands: crm-backfill help"));
    }
    let own = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("."));
    let candidates: Vec<PathBuf> = PLACES.iter().map(|place| folder.join(place).join(verb)).collect();
    let Some(binary) = candidates.iter().find(|path| path.is_file()) else {
        let places: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
        return fail(
            Fault::new(Exit::Usage, format!("the binary of {verb} is not installed")).at(places.join(", ")).help("make build"),
        );
    };
    let error = Command::new(binary).args(rest).exec();
    fail(Fault::new(Exit::Failed, format!("{verb} did not start: {error}")).at(binary.display().to_string()))
}

fn fail(fault: Fault) -> ExitCode {
    print_fault(&fault, &[]);
    ExitCode::from(fault.exit.code())
}

fn overview(programs: &[&Program]) -> String {
    let mut text = String::from(
        "Move the customers of five databases into one CRM: export, stage, resolve, consolidate, score, load, verify, report\n\n\
         Usage: crm-backfill <verb> [options]\n\nVerbs, in the order of a migration:\n",
    );
    for program in programs {
        text.push_str(&format!("  {:<18} {}\n", program.name, program.about));
    }
    text.push_str("\ncrm-backfill help <verb> explains one of them. `make` lists whole phases.\n");
    text
}
