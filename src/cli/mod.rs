//! What every command has in common, from parsing arguments to the exit code. Only this module reads the clock, prints results
//! and reports errors.

mod dispatch;

pub use dispatch::{main, single};

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use crate::config::{Config, Environment};
use crate::fault::{Exit, Fault};
use crate::interrupt;
use crate::model::{Phase, Timestamp};
use crate::progress::Progress;
use crate::store::Layout;

// A doc comment here would replace the purpose of each command in its help.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct Common {
    /// Point in time the run is evaluated at (ISO 8601, such as 2026-11-22T08:00:00Z); fixed by the first export of a data folder
    /// [env: AS_OF]
    #[arg(long, value_name = "INSTANT", global = true)]
    as_of: Option<String>,
    /// The phase, 1 to 6. `stage` sets it (6 unless given); a later step fails if its input is of another phase [env: PHASE]
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u8).range(0..=6))]
    phase: Option<u8>,
    /// The data folder [env: DATA_DIR] [default: data]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// The settings [env: CONFIG] [default: backfill.toml]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Print one JSON line as the result, also on failure
    #[arg(long, global = true)]
    json: bool,
    /// Do not show progress or notes
    #[arg(short, long, global = true)]
    quiet: bool,
    /// More detail; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// When to colour: auto, always or never (NO_COLOR and CLICOLOR_FORCE are honoured)
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = ["auto", "always", "never"], global = true)]
    color: String,
    /// Write a completion script for a shell to stdout
    #[arg(long, value_name = "SHELL", hide = true, global = true)]
    completions: Option<clap_complete::Shell>,
    /// Write the man page to stdout
    #[arg(long, hide = true, global = true)]
    man: bool,
}

/// Everything that a step may know about its environment.
pub struct Session {
    /// The settings.
    pub config: Config,
    /// Variables.
    pub environment: Environment,
    /// The data folder.
    pub layout: Layout,
    /// The decisions file: the one in the settings, or in the data folder of a demo the folder's own.
    pub decisions: PathBuf,
    /// The as-of time of the command line or `AS_OF`; `None` if neither is given.
    pub as_of: Option<Timestamp>,
    /// The phase of the command line or `PHASE`; `None` if neither is given.
    pub phase: Option<Phase>,
    /// Whether phase 0 was asked for: only the preflight of `verify`.
    pub is_preflight: bool,
    /// When the run began: the one reading of the clock.
    pub now: Timestamp,
    /// The run's name, from the clock and the process: `20261122-080312-4711`.
    pub run_id: String,
    /// Progress on stderr.
    pub progress: Progress,
    /// Number of `--verbose` options.
    pub verbose: u8,
    /// Whether the result is one JSON line.
    pub json: bool,
    /// Whether only the result is printed.
    pub quiet: bool,
}

impl Session {
    /// A session for tests: without output and without variables.
    pub fn for_test(layout: Layout, config: Config, now: Timestamp) -> Self {
        Self {
            decisions: config.resolve(&config.identity.decisions),
            config,
            environment: Environment::default(),
            layout,
            as_of: Some(now),
            phase: None,
            is_preflight: false,
            now,
            run_id: "test".to_owned(),
            progress: Progress::silent(),
            verbose: 0,
            json: false,
            quiet: true,
        }
    }

    /// The phase of the input. A different phase on the command line is an error.
    pub fn check_phase(&self, of_input: Option<u8>, path: &std::path::Path) -> Result<Phase> {
        let phase = of_input.and_then(Phase::new).ok_or_else(|| {
            Fault::new(Exit::Input, "the manifest names no phase").at(path.display().to_string()).help("make stage")
        })?;
        match self.phase {
            Some(asked) if asked != phase => {
                Err(Fault::new(Exit::Input, format!("phase {asked} is requested, but the input is of phase {phase}"))
                    .at(path.display().to_string())
                    .help(format!("make phase{asked}, or: make stage PHASE={asked}"))
                    .into())
            }
            _ => Ok(phase),
        }
    }

    /// The as-of time of the input. A different one on the command line is an error.
    pub fn check_as_of(&self, of_input: &str, path: &std::path::Path) -> Result<Timestamp> {
        let as_of = Timestamp::parse(of_input)
            .ok_or_else(|| Fault::new(Exit::Input, "the manifest's as_of cannot be read").at(path.display().to_string()))?;
        match self.as_of {
            Some(asked) if asked != as_of => {
                Err(Fault::new(Exit::Input, format!("as_of {asked} is requested, but the input is of {as_of}"))
                    .at(path.display().to_string())
                    .help("leave AS_OF out to use the saved exports, or renew them: make export FRESH=1")
                    .into())
            }
            _ => Ok(as_of),
        }
    }
}

/// The result of a step.
#[derive(Debug, Default)]
pub struct StepOutcome {
    /// Results for stdout, ready to print.
    pub text: String,
    /// The result as data, for `--json` and the run record.
    pub summary: Value,
    /// The command to run next.
    pub next: Option<String>,
    /// A failure that still has results to show, such as a failed check.
    pub fault: Option<Fault>,
    /// Whether the data holds cells that the operator asked to see: the run record leaves it out.
    pub is_private: bool,
}

impl StepOutcome {
    /// A result as text and as data.
    pub fn new(text: impl Into<String>, summary: Value) -> Self {
        Self { text: text.into(), summary, ..Self::default() }
    }

    /// With data that may hold cells.
    pub fn private(self, is_private: bool) -> Self {
        Self { is_private, ..self }
    }

    /// With the command to run next.
    pub fn next(self, command: impl Into<String>) -> Self {
        Self { next: Some(command.into()), ..self }
    }

    /// With a failure.
    pub fn fault(self, fault: Option<Fault>) -> Self {
        Self { fault, ..self }
    }
}

/// A command, as its binary, the dispatcher, the man page and the tests use it.
pub struct Program {
    /// The verb, which is also the name of the binary.
    pub name: &'static str,
    /// Its purpose in one line.
    pub about: &'static str,
    /// What it reads and writes, its own exit codes, examples.
    pub help: &'static str,
    /// Adds its own arguments.
    pub arguments: fn(Command) -> Command,
    /// Reads its arguments from the matches and runs it.
    pub run: fn(&Session, &ArgMatches) -> Result<StepOutcome>,
}

impl Program {
    /// The command with its own arguments and those of every command. `commit` is the one it was built from, if known.
    pub fn command(&self, commit: Option<&str>) -> Command {
        // Both sets of arguments are derived and bring an about of their own, so the purpose is set last.
        Common::augment_args((self.arguments)(Command::new(self.name)))
            .bin_name(format!("crm-backfill {}", self.name))
            .about(self.about)
            .long_about(None)
            .after_help(flowing(self.help))
            .version(version(commit))
    }
}

/// A command: parses the arguments, runs the step, prints, records the run, and returns the exit code.
fn run(program: &'static Program, commit: Option<&str>, arguments: &[OsString]) -> ExitCode {
    // A panic ends the process here, in whatever thread it happens: release builds do not unwind, which saves a tenth of their build.
    // What is left behind is what a killed process leaves behind: drafts that the next command removes, transactions that the server
    // rolls back.
    std::panic::set_hook(Box::new(|info| {
        // The payload may contain a personal value; the place alone is enough to find the bug.
        let place = info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        let _ =
            writeln!(std::io::stderr(), "internal error{place}: please report this line and the command; no data was printed");
        std::process::exit(Exit::Bug.code().into());
    }));
    ExitCode::from(parsed(program, commit, arguments))
}

/// Version, data format and commit.
fn version(commit: Option<&str>) -> String {
    let commit = commit.filter(|commit| !commit.is_empty()).unwrap_or("unknown");
    format!("{} (data format {}, commit {commit})", env!("CARGO_PKG_VERSION"), crate::store::FORMAT)
}

fn parsed(program: &'static Program, commit: Option<&str>, arguments: &[OsString]) -> u8 {
    let name = program.name;
    let mut command = program.command(commit);
    let asked_json = arguments.iter().any(|argument| argument == "--json");
    interrupt::watch(name, asked_json);
    if let Some(code) = generated(name, &mut command, arguments) {
        return code;
    }
    let words = std::iter::once(OsString::from(name)).chain(arguments.iter().cloned());
    let matches = match command.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) => {
            let shown = error.print();
            let code = u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code());
            if asked_json && code != 0 {
                let what = error.kind().as_str().unwrap_or("wrong arguments");
                let _ = print_stdout(&json_line(name, &Value::Null, Some(&Fault::new(Exit::Usage, what))));
            }
            return shown.map_or_else(|error| unwritten(&error).map_or(code, |fault| fault.exit.code()), |()| code);
        }
    };
    let common = match Common::from_arg_matches(&matches) {
        Ok(common) => common,
        Err(error) => {
            let _ = error.print();
            return Exit::Usage.code();
        }
    };
    match common.color.as_str() {
        "always" => anstream::ColorChoice::Always.write_global(),
        "never" => anstream::ColorChoice::Never.write_global(),
        _ => {}
    }
    let json = common.json;
    let result = session(name, &common).and_then(|session| {
        let result = (program.run)(&session, &matches);
        let fault = match &result {
            Ok(outcome) => outcome.fault.as_ref().map(|fault| fault.exit),
            Err(error) => Some(exit_of(error)),
        };
        interrupt::finish();
        record_run(name, &session, result.as_ref().ok(), fault);
        result
    });
    interrupt::finish();
    finish(name, json, result)
}

/// Completions and the man page, which need no arguments of the step itself.
fn generated(name: &str, command: &mut Command, arguments: &[OsString]) -> Option<u8> {
    let mut text = Vec::new();
    if arguments == ["--man"] {
        clap_mangen::Man::new(command.clone()).render(&mut text).ok()?;
    } else {
        let [flag, shell] = arguments else { return None };
        let shell = <clap_complete::Shell as clap::ValueEnum>::from_str(shell.to_str()?, true)
            .ok()
            .filter(|_| flag == "--completions")?;
        clap_complete::generate(shell, command, name, &mut text);
    }
    Some(exit_of_printing(print_stdout(&String::from_utf8_lossy(&text))))
}

fn session(name: &str, common: &Common) -> Result<Session> {
    let mut environment = Environment::read()?;
    let named = common.config.clone().or_else(|| environment.get("CONFIG").map(PathBuf::from));
    let mut config = Config::read(named.as_deref().unwrap_or(std::path::Path::new("backfill.toml")), named.is_some())?;
    environment.answer_limit = config.connections.limit();
    let data_dir = common.data_dir.clone().or_else(|| environment.get("DATA_DIR").map(PathBuf::from));
    let layout = Layout::new(data_dir.unwrap_or_else(|| PathBuf::from("data")));
    if let Some(scale) = layout.demo_scale()? {
        config.expect_of_size(scale);
    }
    // Decisions about real people must not link invented ones.
    let is_demo = layout.demo_marker().exists();
    let decisions = if is_demo { layout.root().join("decisions.csv") } else { config.resolve(&config.identity.decisions) };
    let as_of = match common.as_of.as_deref().or_else(|| environment.get("AS_OF")) {
        None => None,
        Some(text) => Some(Timestamp::parse(text).map(Timestamp::round_to_millis).ok_or_else(|| {
            Fault::new(Exit::Usage, format!("{text:?} is not an instant")).help("write it as 2026-11-22T08:00:00Z")
        })?),
    };
    let number = match (common.phase, environment.get("PHASE")) {
        (Some(number), _) => Some(number),
        (None, None) => None,
        (None, Some(text)) => {
            Some(text.parse().map_err(|_| Fault::new(Exit::Usage, "a phase is a number from 1 to 6").at("PHASE"))?)
        }
    };
    let is_preflight = number == Some(0);
    if is_preflight && name != "verify" {
        return Err(Fault::new(Exit::Usage, "phase 0 is the preflight").help("crm-backfill verify --phase 0").into());
    }
    let phase = match number.filter(|number| *number > 0) {
        None => None,
        Some(number) => {
            Some(Phase::new(number).ok_or_else(|| Fault::new(Exit::Usage, "a phase is a number from 1 to 6").at("PHASE"))?)
        }
    };
    let now = chrono::Utc::now();
    let dumb = environment.get("TERM") == Some("dumb");
    Ok(Session {
        config,
        environment,
        layout,
        decisions,
        as_of,
        phase,
        is_preflight,
        now: Timestamp(now.timestamp_micros()).round_to_millis(),
        run_id: format!("{}-{}", now.format("%Y%m%d-%H%M%S"), std::process::id()),
        progress: Progress::new(name, common.quiet || common.json, dumb),
        verbose: common.verbose,
        json: common.json,
        quiet: common.quiet,
    })
}

/// A help text whose sentences can be wrapped to any width: only examples keep their lines.
fn flowing(text: &str) -> String {
    let mut out = String::new();
    let is_kept = |line: &str| line.starts_with("  ") || line.starts_with("Example");
    let mut before = "";
    for line in text.lines() {
        let is_example = line.starts_with("Example") && !out.is_empty();
        out.push_str(match () {
            () if out.is_empty() => "",
            () if is_example => "\n\n",
            () if is_kept(line) || is_kept(before) => "\n",
            () => " ",
        });
        out.push_str(line);
        before = line;
    }
    out
}

fn exit_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Fault>().map_or(Exit::Failed, |fault| fault.exit)
}

fn finish(name: &str, json: bool, result: Result<StepOutcome>) -> u8 {
    match result {
        Ok(outcome) => {
            let printed = if json {
                print_stdout(&json_line(name, &outcome.summary, outcome.fault.as_ref()))
            } else {
                let next = outcome.next.as_ref().filter(|_| outcome.fault.is_none());
                print_stdout(&format!("{}{}", outcome.text, next.map(|next| format!(" next     {next}\n")).unwrap_or_default()))
            };
            if let Some(fault) = &outcome.fault {
                print_fault(fault, &[]);
                return fault.exit.code();
            }
            exit_of_printing(printed)
        }
        Err(error) => {
            let fallback;
            let fault = match error.downcast_ref::<Fault>() {
                Some(fault) => fault,
                None => {
                    fallback = Fault::new(Exit::Failed, error.to_string());
                    &fallback
                }
            };
            if json {
                // The exit code of the fault says more than that its line could not be printed.
                let _ = print_stdout(&json_line(name, &Value::Null, Some(fault)));
            }
            let causes: Vec<String> = error.chain().map(ToString::to_string).filter(|cause| cause != &fault.what).collect();
            print_fault(fault, &causes);
            fault.exit.code()
        }
    }
}

fn json_line(name: &str, summary: &Value, fault: Option<&Fault>) -> String {
    let error = fault.map(|fault| json!({ "what": fault.what, "at": fault.at, "help": fault.help }));
    let code = fault.map_or(0, |fault| fault.exit.code());
    format!("{}\n", json!({ "format": 1, "step": name, "exit": code, "result": summary, "error": error }))
}

fn print_fault(fault: &Fault, causes: &[String]) {
    let mut text = format!("{} {}\n", format!("error[{}]:", fault.exit.code()).red().bold(), fault.what);
    if let Some(place) = &fault.at {
        text.push_str(&format!("  {}   {place}\n", "where".bold()));
    }
    for cause in causes {
        text.push_str(&format!("  {}     {cause}\n", "why".bold()));
    }
    for (index, advice) in fault.help.iter().enumerate() {
        let label = if index == 0 { "help" } else { "    " };
        text.push_str(&format!("  {}    {advice}\n", label.bold()));
    }
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Prints results.
fn print_stdout(text: &str) -> std::io::Result<()> {
    let mut stdout = anstream::stdout();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}

/// The failure to print a result; `None` if the reader closed the pipe.
fn unwritten(error: &std::io::Error) -> Option<Fault> {
    (error.kind() != std::io::ErrorKind::BrokenPipe).then(|| {
        Fault::new(Exit::Failed, format!("the result could not be written: {error}"))
            .at("standard output")
            .help("the work itself is done: run the same command again to see its result")
    })
}

fn exit_of_printing(printed: std::io::Result<()>) -> u8 {
    let Some(fault) = printed.err().as_ref().and_then(unwritten) else { return 0 };
    print_fault(&fault, &[]);
    fault.exit.code()
}

/// Writes `data/runs/<run>.json`, the only file with clock, host and memory. If that fails, it warns and goes on.
fn record_run(name: &str, session: &Session, outcome: Option<&StepOutcome>, fault: Option<Exit>) {
    if !session.layout.root().exists() || session.layout.runs().is_symlink() {
        return;
    }
    let record = json!({
        "format": 1,
        "run": session.run_id,
        "step": name,
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": session.now.to_string(),
        "seconds": session.progress.elapsed().as_secs_f64(),
        "peak_memory_kib": peak_memory_kib(),
        "threads": rayon::current_num_threads(),
        "exit": fault.map_or(0, Exit::code),
        "result": outcome.filter(|outcome| !outcome.is_private).map(|outcome| &outcome.summary),
    });
    let path = session.layout.runs().join(format!("{}-{name}.json", session.run_id));
    let written =
        serde_json::to_vec_pretty(&record).map_err(Into::into).and_then(|text| crate::store::replace_file(&path, &text));
    if let Err(error) = written {
        session.progress.warn(format!("the run record was not written: {error}"));
    }
}

/// Peak memory of the process in KiB; 0 where the system does not report it.
pub fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
