//! A scheduler and executors as real processes on loopback. They end with the value that holds them.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when it is dropped, with its output in a file.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(mut command: Command, log: PathBuf) -> Self {
        let file = std::fs::File::create(&log).unwrap();
        command.current_dir(log.parent().unwrap());
        let child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, log }
    }

    /// What it has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command without the variables of the tests.
fn bare(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().env("PATH", std::env::var("PATH").unwrap()).env("CRM_BACKFILL_NO_DOT_ENV", "1");
    command
}

/// A port that is free now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A scheduler with some executors.
pub struct Cluster {
    folder: tempfile::TempDir,
    scheduler: Process,
    executors: Vec<Process>,
    port: u16,
}

impl Cluster {
    /// Starts a scheduler and two executors of one core each.
    pub fn start() -> Self {
        let mut cluster = Self::without_executors();
        for _ in 0..2 {
            cluster.start_executor(bare(Path::new(env!("CARGO_BIN_EXE_crm-backfill-executor"))));
        }
        cluster
    }

    /// Starts a scheduler.
    fn without_executors() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = bare(Path::new(env!("CARGO_BIN_EXE_cluster")));
        command.args(["scheduler", "--port", &port.to_string(), "--data-dir"]).arg(folder.path().join("none"));
        let scheduler = Process::start(command, folder.path().join("scheduler.log"));
        await_port(port, &scheduler);
        Self { folder, scheduler, executors: Vec::new(), port }
    }

    fn start_executor(&mut self, mut command: Command) {
        let name = format!("executor-{}", self.executors.len());
        let (port, task_port) = (free_port(), free_port());
        command.args(["--scheduler", &format!("127.0.0.1:{}", self.port), "--cores", "1", "--memory-limit", "512MiB"]);
        command.args(["--port", &port.to_string(), "--task-port", &task_port.to_string(), "--work-dir"]);
        command.arg(self.folder.path().join(format!("work-{}", self.executors.len())));
        let executor = Process::start(command, self.folder.path().join(format!("{name}.log")));
        await_port(port, &executor);
        self.executors.push(executor);
    }

    /// Its address for `--engine`.
    pub fn url(&self) -> String {
        format!("df://127.0.0.1:{}", self.port)
    }

    /// Everything that its processes wrote, for the message of a failing test.
    pub fn logs(&self) -> String {
        let logs = std::iter::once(&self.scheduler).chain(&self.executors).map(|process| {
            let lines: Vec<String> = process.log().lines().map(str::to_owned).collect();
            format!("── {}\n{}\n", process.log.display(), lines[lines.len().saturating_sub(60)..].join("\n"))
        });
        logs.collect()
    }
}

fn await_port(port: u16, process: &Process) {
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "{}", process.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}
