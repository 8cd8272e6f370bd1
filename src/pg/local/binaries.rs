//! Finds the programs of a PostgreSQL server on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::fault::{Exit, Fault};

/// Shell script that prints the folders that may contain a server, best first.
const LOOK: &str = r#"
if [ -n "$PG_BIN" ]; then printf '%s\n' "$PG_BIN"; exit; fi
pg_config --bindir 2>/dev/null
for program in postgres initdb; do found=$(command -v $program 2>/dev/null) && readlink -f "$found" | sed 's|/[^/]*$||'; done
ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null | sort -rV
"#;

/// The folder of a server's programs.
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// `PG_BIN` if it is set; else the folder of `pg_config`, PATH, and the usual folders of distributions, newest version first.
    pub(super) fn find() -> Result<Self> {
        let output = Command::new("/bin/sh").args(["-c", LOOK]).output()?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let holds = |folder: &&str| ["initdb", "postgres"].iter().all(|program| Path::new(folder).join(program).is_file());
        match listed.lines().find(holds) {
            Some(folder) => Ok(Self { folder: folder.into() }),
            None => Err(Fault::new(Exit::Preflight, "no PostgreSQL server is installed")
                .at(if listed.trim().is_empty() {
                    "PG_BIN, pg_config, PATH, /usr/lib/postgresql".to_owned()
                } else {
                    listed.trim().replace('\n', ", ")
                })
                .help("Debian and Ubuntu: sudo apt-get install postgresql")
                .help("macOS: brew install postgresql@17")
                .help("elsewhere: set PG_BIN to the folder that holds initdb and postgres")
                .into()),
        }
    }

    /// Fails if the data is of another major version, which this server cannot read.
    pub(super) fn check_version(&self, data: &Path) -> Result<()> {
        let of_data = fs::read_to_string(data.join("PG_VERSION"))?.trim().to_owned();
        let output = Command::new(self.postgres()).arg("--version").output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let ours = said.split_whitespace().find_map(|word| word.split('.').next().filter(|major| major.parse::<u32>().is_ok()));
        match ours {
            Some(ours) if ours != of_data => {
                Err(Fault::new(Exit::Preflight, format!("the data is of PostgreSQL {of_data}, the server is {ours}"))
                    .at(data.display().to_string())
                    .help(format!("set PG_BIN to the programs of PostgreSQL {of_data}"))
                    .help("or remove the folder: it holds only what the demo made")
                    .into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}
