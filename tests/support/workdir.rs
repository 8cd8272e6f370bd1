//! Runs the real binaries in a temporary folder. A failure prints everything, so that the run need not be repeated.

use std::io::{Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A folder with its own settings and data, and the environment of its commands.
pub struct Workdir {
    folder: tempfile::TempDir,
    programs: PathBuf,
    variables: Vec<(String, String)>,
}

/// A running command.
pub struct Started {
    command: String,
    child: Child,
}

/// The result of a command.
pub struct Run {
    command: String,
    /// The exit code; signals are 128 + n.
    pub code: i32,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl Workdir {
    /// An empty folder with the committed settings and reference files.
    pub fn new() -> Self {
        Self::with_programs(Path::new(env!("CARGO_BIN_EXE_stage")).parent().unwrap())
    }

    /// The same for the binaries of another folder.
    pub fn with_programs(programs: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("bfw").tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(root.join("backfill.toml"), folder.path().join("backfill.toml")).unwrap();
        let reference = folder.path().join("data/reference");
        std::fs::create_dir_all(&reference).unwrap();
        for entry in std::fs::read_dir(root.join("data/reference")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), reference.join(entry.file_name())).unwrap();
        }
        Self { folder, programs: programs.to_owned(), variables: Vec::new() }
    }

    /// Sets a variable for every command that follows.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Unsets it.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// Replaces a text in one of its files.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} does not contain {from:?}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// A command that sees this folder and these variables only.
    pub fn command(&self, binary: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(binary));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("CRM_BACKFILL_NO_DOT_ENV", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a binary and waits for it.
    pub fn run(&self, binary: &str, arguments: &[&str]) -> Run {
        self.start(binary, arguments).end()
    }

    /// Starts a binary in a process group of its own, as a shell does.
    pub fn start(&self, binary: &str, arguments: &[&str]) -> Started {
        let mut command = self.command(binary, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{binary}: {error}"));
        Started { command: format!("{binary} {}", arguments.join(" ")), child }
    }

    /// Runs a binary that must succeed.
    pub fn ok(&self, binary: &str, arguments: &[&str]) -> Run {
        self.run(binary, arguments).exits(0)
    }

    /// Runs a binary at a terminal where a user types this. The text on the terminal becomes its stderr.
    pub fn attended(&self, binary: &str, arguments: &[&str], typed: &str) -> Run {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
        let theirs = std::fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
        let mut command = self.command(binary, arguments);
        command.stdin(theirs.try_clone().unwrap()).stderr(theirs).stdout(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{binary}: {error}"));
        // Dropping it closes this process's ends of the terminal.
        drop(command);
        let mut terminal = std::fs::File::from(terminal);
        terminal.write_all(typed.as_bytes()).unwrap();
        let mut shown = Vec::new();
        // Reading from a terminal whose other end is closed ends with an error.
        let _ = terminal.read_to_end(&mut shown);
        let run = Started { command: format!("{binary} {}", arguments.join(" ")), child }.end();
        Run { stderr: String::from_utf8_lossy(&shown).into_owned(), ..run }
    }

    /// Name and BLAKE3 of every file below a folder of the data folder, manifests without the binary's hash.
    pub fn fingerprint(&self, folder: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        collect(&self.data().join(folder), &mut found);
        found.sort();
        let entry = |path: &PathBuf| {
            let mut bytes = std::fs::read(path).unwrap();
            if path.ends_with("manifest.json") {
                let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                manifest["binary"] = serde_json::Value::Null;
                bytes = serde_json::to_vec(&manifest).unwrap();
            }
            (path.strip_prefix(self.data()).unwrap().display().to_string(), blake3::hash(&bytes).to_hex().to_string())
        };
        found.iter().map(entry).collect()
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

impl Started {
    /// Waits for a condition; false if the command ended first.
    pub fn wait_for(&mut self, mut happened: impl FnMut() -> bool) -> bool {
        let started = Instant::now();
        while !happened() {
            assert!(started.elapsed() < Duration::from_secs(60), "{}: waited in vain", self.command);
            if self.has_ended() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        true
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal to it and its children, as a terminal does.
    pub fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process_group(group, signal).unwrap();
    }

    /// Waits for its end.
    pub fn end(self) -> Run {
        let output = self.child.wait_with_output().unwrap();
        Run {
            command: self.command,
            code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Checks the exit code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n--- stdout\n{}\n--- stderr\n{}", self.command, self.stdout, self.stderr);
        self
    }

    /// Checks that stdout or stderr contains a text.
    pub fn says(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "{} does not say {text:?}\n--- stdout\n{}\n--- stderr\n{}", self.command, self.stdout, self.stderr);
        self
    }

    /// The result of `--json`.
    pub fn json(&self) -> serde_json::Value {
        let lines: Vec<_> = self.stdout.lines().collect();
        assert_eq!(lines.len(), 1, "{}: exactly one line\n{}", self.command, self.stdout);
        serde_json::from_str(lines[0]).unwrap()
    }
}
