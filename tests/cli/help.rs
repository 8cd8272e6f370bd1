//! Help, man pages, and the commands that documents and messages recommend.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crm_backfill::cli::Program;
use crm_backfill::launch;
use crm_backfill::steps::programs;

fn binary(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_BIN_EXE_crm-backfill")).parent().unwrap();
    let mut command = Command::new(folder.join(name));
    command.env("CRM_BACKFILL_NO_DOT_ENV", "1").env("COLUMNS", "200");
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_first_line_of_every_help_and_man_page_is_the_purpose() {
    for program in programs::ALL {
        let help = stdout(binary(program.name).arg("--help"));
        assert_eq!(help.lines().next(), Some(program.about), "{}", program.name);
        assert!(help.contains(&format!("Usage: crm-backfill {}", program.name)), "{help}");
        let man = stdout(binary(program.name).arg("--man"));
        let name = man
            .lines()
            .skip_while(|line| *line != ".SH NAME")
            .nth(1)
            .unwrap_or_default()
            .replace("\\*(Aq", "'")
            .replace('\\', "");
        assert_eq!(name, format!("{} - {}", program.name, program.about));
    }
}

#[test]
fn the_version_says_data_format_and_commit() {
    for name in ["crm-backfill", "stage"] {
        let version = stdout(binary(name).arg("-V"));
        let commit = version.split_once("(data format 1, commit ").expect("a commit").1.trim_end().trim_end_matches(')');
        // Git refuses a checkout of another user; a build may be of an earlier commit with the same sources.
        let answers = Command::new("git").current_dir(env!("CARGO_MANIFEST_DIR")).args(["rev-parse", "HEAD"]).output();
        let is_checkout =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(".git").exists() && answers.is_ok_and(|it| it.status.success());
        let digits = commit.trim_end_matches("-dirty");
        let is_commit = digits.len() >= 10 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_commit || (commit == "unknown" && !is_checkout), "{version}");
    }
}

#[test]
fn a_binary_runs_its_verb_with_arguments_and_exit_code() {
    assert_eq!(stdout(binary("crm-backfill").args(["stage", "--help"])), stdout(binary("stage").arg("--help")));
    assert_eq!(stdout(binary("crm-backfill").args(["help", "stage"])), stdout(binary("stage").arg("--help")));
    for name in ["crm-backfill", "stage"] {
        let verb = if name == "stage" { &[][..] } else { &["stage"] };
        assert_eq!(binary(name).args(verb).arg("--nonsense").output().unwrap().status.code(), Some(2));
    }
    let overview = stdout(&mut binary("crm-backfill"));
    for program in programs::ALL {
        assert!(overview.contains(program.about), "{overview}");
    }
    let wrong = binary("crm-backfill").arg("stge").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean: crm-backfill stage"));
}

#[test]
fn a_binary_of_another_build_is_refused() {
    let output = binary("crm-backfill").args(["stage", "--help"]).env(launch::LAUNCHED_BY, "0000").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("started by a binary built from 0000"));
}

#[test]
fn a_binary_without_the_program_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("stage");
    fs::copy(Path::new(env!("CARGO_BIN_EXE_crm-backfill")).with_file_name("stage"), &alone).unwrap();
    let output = Command::new(&alone).arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("crm-backfill is not next to the binary of stage"));
}

#[test]
fn every_command_has_a_binary_of_its_name_and_no_other() {
    let mut files: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != launch::PROGRAM)
        .collect();
    files.sort();
    let mut verbs: Vec<&str> = programs::ALL.iter().map(|program| program.name).collect();
    verbs.sort_unstable();
    assert_eq!(files, verbs);
    for verb in verbs {
        assert!(stdout(binary(verb).arg("-V")).starts_with(verb));
    }
}

/// Texts that recommend commands: documents, messages, help.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile"]
        .iter()
        .map(|name| root.join(name))
        .chain(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()))
        .chain(fs::read_dir(root.join("scripts")).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.into_iter().filter_map(|path| Some((path.clone(), fs::read_to_string(path).ok()?))).collect()
}

/// The line with a value in place of each `{}` and `{name}` of a format.
fn filled(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut parts = line.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.split('}').next().unwrap_or_default();
        let is_place = part.contains('}') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        filled.push_str(&if is_place { format!("X{}", &part[name.len() + 1..]) } else { format!("{{{part}") });
    }
    filled
}

/// The text after `crm-backfill ` up to the end of the command: end of line, quote, backtick, pipe, wide gap, comment.
fn commands(text: &str) -> Vec<String> {
    let ends = ["\n", "\\n", "\".", "`", "|", "  ", " #", ")", ",", ";", ": ", " >", "{", "<", "…"];
    text.match_indices("crm-backfill ")
        .filter(|(at, _)| !text[..*at].ends_with(['/', '-', '.']))
        .map(|(at, found)| {
            let rest = filled(&text[at + found.len()..]);
            let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
            rest[..end].to_owned()
        })
        .collect()
}

/// The words of a command line, with double and escaped quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in command.replace("\\\"", "\"").trim_end_matches(['.', '\"', '\'']).chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_advised_command_parses() {
    let known = |verb: &str| programs::ALL.iter().find(|program| program.name == verb).copied();
    let mut seen = 0;
    for (path, text) in texts() {
        for command in commands(&text) {
            let words = words(&command);
            let Some(program) = words.first().and_then(|verb| known(verb)) else { continue };
            seen += 1;
            let parsed: Result<_, clap::Error> = Program::command(program, None).try_get_matches_from(&words);
            if let Err(error) = parsed {
                panic!("{}: crm-backfill {command}\n{error}", path.display());
            }
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
}

/// A verb with an option, but without the program before it: it would be another command of the shell, or none.
fn bare_verbs(line: &str) -> Vec<&str> {
    let verbs = programs::ALL.iter().map(|program| program.name);
    let bare = |verb: &&str| {
        line.match_indices(&format!("{verb} --")).any(|(at, _)| {
            let before = &line[..at];
            let is_word = before.ends_with(|c: char| c.is_ascii_alphanumeric() || "-_/".contains(c));
            !is_word
                && !before.ends_with("crm-backfill ")
                && !["--bench ", "--engine "].iter().any(|option| before.ends_with(option))
        })
    };
    verbs.filter(bare).collect()
}

#[test]
fn every_advised_command_names_the_program() {
    assert_eq!(bare_verbs("look at it: verify --phase 0, then `crm-backfill load --dry-run`"), ["verify"]);
    for (path, text) in texts() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The history names options, the measurements name what was measured, and scripts run the binaries beside them.
        let is_advice =
            name.ends_with(".rs") || (name.ends_with(".md") && !["CHANGELOG.md", "performance.md"].contains(&name.as_str()));
        if is_advice {
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                assert!(bare_verbs(line).is_empty(), "{}: {:?} in {line}", path.display(), bare_verbs(line));
            }
        }
    }
}

/// Commands by way of make, `make VERB … ARGS="…"`, as the verb and its arguments.
fn commands_of_make(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(" ARGS=") {
        let start = text[..at].rfind(['`', '\n', '#']).map_or(0, |start| start + 1);
        let Some(target) = text[start..at].trim_start().strip_prefix("make ").and_then(|rest| rest.split(' ').next()) else {
            continue;
        };
        let rest = text[at + " ARGS=".len()..].trim_start_matches('\\');
        let arguments = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split(['"', '\\']).next().unwrap_or_default(),
            None => rest.split([' ', '`', '\n', ',', ';', ')', '|']).next().unwrap_or_default(),
        };
        let verb = if target == "backfill" || target.starts_with("phase") { "load" } else { target };
        if !arguments.contains('…') && !verb.is_empty() {
            found.push(std::iter::once(verb.to_owned()).chain(words(arguments)).collect());
        }
    }
    found
}

#[test]
fn every_advised_argument_of_a_make_target_parses() {
    let mut seen = 0;
    for (path, text) in texts() {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        for command in commands_of_make(&text) {
            let Some(program) = programs::ALL.iter().find(|program| program.name == command[0]).copied() else { continue };
            seen += 1;
            let parsed: Result<_, clap::Error> = Program::command(program, None).try_get_matches_from(&command);
            if let Err(error) = parsed {
                panic!("{}: {command:?}\n{error}", path.display());
            }
        }
    }
    assert!(seen > 15, "only {seen} commands were found");
}
