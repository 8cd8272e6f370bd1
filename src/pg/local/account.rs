//! Chooses the account under which the server runs, because PostgreSQL does not run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::fault::{Exit, Fault};

/// The account of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerAccount {
    /// The current one, which is not root.
    Ourselves,
    /// The current one inside a user namespace without a mapping: the server sees itself as `nobody`, and the files still belong
    /// to root.
    Namespace,
    /// Another account of this machine owns the folder and runs the server.
    Other {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl ServerAccount {
    /// The first account that can write into the folder: the namespace first, since it also enters folders closed to others.
    pub(super) fn choose(folder: &Path) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let owner = fs::metadata(folder)?;
        if owner.uid() != 0 {
            let other = Self::Other { uid: owner.uid(), gid: owner.gid() };
            return if other.can_write(folder) { Ok(other) } else { Err(refused(folder)) };
        }
        if Self::Namespace.can_write(folder) {
            return Ok(Self::Namespace);
        }
        for name in ["postgres", "nobody"] {
            let (Some(uid), Some(gid)) = (id("-u", name), id("-g", name)) else { continue };
            let other = Self::Other { uid, gid };
            chown(folder, Some(uid), Some(gid)).with_context(|| format!("{} cannot be given to {name}", folder.display()))?;
            if other.can_write(folder) {
                return Ok(other);
            }
            chown(folder, Some(0), Some(0))?;
        }
        Err(refused(folder))
    }

    fn can_write(self, folder: &Path) -> bool {
        let mut touch = self.command(Path::new("/bin/sh"));
        touch.args(["-c", r#"touch "$1/.touch" && rm "$1/.touch""#, "sh"]).arg(folder).current_dir("/");
        touch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// A command that runs under this account, with only PATH as environment.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = match self {
            Self::Namespace => {
                let mut command = Command::new("unshare");
                command.args(["--user", "--"]).arg(program);
                command
            }
            _ => Command::new(program),
        };
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        command
    }

    /// Whether a folder is already this account's.
    pub(super) fn owns(self, found: &fs::Metadata) -> bool {
        matches!(self, Self::Other { uid, .. } if found.uid() == uid)
    }

    /// Gives a folder to this account, if it is another's.
    pub(super) fn own(self, folder: &Path) -> Result<()> {
        if let Self::Other { uid, gid } = self {
            chown(folder, Some(uid), Some(gid))
                .with_context(|| format!("{} cannot be given to another account", folder.display()))?;
        }
        Ok(())
    }
}

fn id(option: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([option, name]).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn refused(folder: &Path) -> anyhow::Error {
    Fault::new(Exit::Preflight, "PostgreSQL does not run as root, and no other account can use this folder")
        .at(folder.display().to_string())
        .help("run as an ordinary user")
        .help("or permit user namespaces: sysctl -w user.max_user_namespaces=10000")
        .help("or choose a folder that the account `postgres` can enter, with DATA_DIR")
        .into()
}
