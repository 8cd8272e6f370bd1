//! `crm-backfill <verb> …`: runs the command of a verb, or lists all commands.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use clap::Command;

use super::{Program, exit_of_printing, generated, print_fault, print_stdout, version};
use crate::fault::{Exit, Fault};
use crate::launch;
use crate::model::did_you_mean;

/// The purpose of the program in one line.
const ABOUT: &str =
    "Move the customers of five databases into one CRM: export, stage, resolve, consolidate, score, load, verify, report";

/// The verb of the engines for event volumes. It is a program of its own beside this one, so that this one does not contain them.
const CLUSTER: &str = "cluster";

/// The program: finds the command of the verb and runs it with the remaining arguments.
pub fn main(programs: &'static [&'static Program], commit: Option<&str>) -> ExitCode {
    if let Some(fault) = built_from_other_sources() {
        return fail(fault);
    }
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_else(|| OsString::from("help"));
    let rest: Vec<OsString> = arguments.collect();
    match verb.to_str() {
        Some("help" | "-h" | "--help") => match rest.first().and_then(|verb| verb.to_str()) {
            Some(verb) => run(programs, commit, verb, &[OsString::from("--help")]),
            None => ExitCode::from(exit_of_printing(print_stdout(&overview(programs)))),
        },
        Some("-V" | "--version" | "version") => {
            ExitCode::from(exit_of_printing(print_stdout(&format!("{} {}\n", launch::PROGRAM, version(commit)))))
        }
        Some(option @ ("--man" | "--completions")) => {
            let asked: Vec<OsString> = std::iter::once(OsString::from(option)).chain(rest).collect();
            let code = generated(launch::PROGRAM, &mut whole(programs, commit), &asked);
            code.map_or_else(|| fail(shells_of(option)), ExitCode::from)
        }
        Some(verb) => run(programs, commit, verb, &rest),
        None => fail(Fault::new(Exit::Usage, "the verb is not valid UTF-8").help("crm-backfill help")),
    }
}

/// The whole program with every verb, for its man page and its completions.
fn whole(programs: &[&Program], commit: Option<&str>) -> Command {
    let verbs = programs.iter().map(|program| program.command(commit));
    Command::new(launch::PROGRAM).about(ABOUT).version(version(commit)).subcommand_required(true).subcommands(verbs)
}

fn shells_of(option: &str) -> Fault {
    let shells = <clap_complete::Shell as clap::ValueEnum>::value_variants();
    let named: Vec<String> = shells.iter().map(ToString::to_string).collect();
    let fault = Fault::new(Exit::Usage, format!("{option} has wrong arguments"));
    fault.help(format!("crm-backfill --man, or crm-backfill --completions SHELL with one of {}", named.join(", ")))
}

fn run(programs: &'static [&'static Program], commit: Option<&str>, verb: &str, rest: &[OsString]) -> ExitCode {
    if let Some(program) = programs.iter().find(|program| program.name == verb) {
        return super::run(program, commit, rest);
    }
    if verb == CLUSTER {
        return cluster(rest);
    }
    let mut fault = Fault::new(Exit::Usage, format!("{verb:?} is not a command of crm-backfill"));
    if let Some(near) = did_you_mean(verb, programs.iter().map(|program| program.name)) {
        fault = fault.help(format!("did you mean: crm-backfill {near}"));
    }
    fail(fault.help("all commands: crm-backfill help"))
}

/// Replaces this process with the program of the engines, if it is built.
fn cluster(arguments: &[OsString]) -> ExitCode {
    let own = std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default();
    let program = own.with_file_name(CLUSTER);
    let fault = match program.is_file() {
        true => {
            let error = std::process::Command::new(&program).env(launch::LAUNCHED_BY, launch::SOURCES).args(arguments).exec();
            Fault::new(Exit::Failed, format!("the program did not start: {error}"))
        }
        false => Fault::new(Exit::Usage, "the engines for event volumes are a program of their own, which is not built"),
    };
    fail(fault.at(program.display().to_string()).help("make cluster"))
}

/// A program that is one command: runs it with the arguments of the process.
pub fn single(program: &'static Program, commit: Option<&str>) -> ExitCode {
    if let Some(fault) = built_from_other_sources() {
        return fail(fault);
    }
    super::run(program, commit, &std::env::args_os().skip(1).collect::<Vec<_>>())
}

/// A command's binary and this program may come from different builds if only one of them was rebuilt.
fn built_from_other_sources() -> Option<Fault> {
    let sources = std::env::var_os(launch::LAUNCHED_BY).filter(|sources| sources != launch::SOURCES)?;
    let what = format!("built from sources {}, started by a binary built from {}", launch::SOURCES, sources.display());
    Some(Fault::new(Exit::Usage, what).at("crm-backfill").help("make build"))
}

fn fail(fault: Fault) -> ExitCode {
    print_fault(&fault, &[]);
    ExitCode::from(fault.exit.code())
}

fn overview(programs: &[&Program]) -> String {
    let mut text = format!("{ABOUT}\n\nUsage: crm-backfill <verb> [options]\n\nVerbs, in the order of a migration:\n");
    for program in programs {
        text.push_str(&format!("  {:<18} {}\n", program.name, program.about));
    }
    text.push_str(
        "\ncrm-backfill help <verb> explains one of them. `make` lists whole phases.\n\
                   crm-backfill cluster, which make cluster builds, has engines for more events than one machine can take.\n",
    );
    text
}
