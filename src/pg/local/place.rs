//! Folders, socket and port of a local server.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::account::ServerAccount;
use crate::fault::{Exit, Fault};

/// `sun_path` of Linux holds 108 bytes, the last of them zero; `/.s.PGSQL.65535` takes 15.
const LONGEST_SOCKET_FOLDER: usize = 107 - 15;

pub(super) fn make_private_folder(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be created", folder.display()))
}

/// Replaces a new folder that other accounts cannot enter by a link to one that they can. Containers often run everything as
/// root, forbid user namespaces, and work below `/root`.
pub(super) fn move_away(folder: &Path) -> Result<Option<(PathBuf, ServerAccount)>> {
    if fs::remove_dir(folder).is_err() {
        return Ok(None);
    }
    let made = tempfile::Builder::new().prefix("crm-backfill-").tempdir_in("/var/tmp");
    let away = made.context("no folder can be made in /var/tmp")?.keep();
    let account = ServerAccount::choose(&away);
    match account {
        Ok(account) => {
            std::os::unix::fs::symlink(&away, folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            Ok(Some((away, account)))
        }
        Err(_) => {
            fs::remove_dir(&away)?;
            make_private_folder(folder)?;
            Ok(None)
        }
    }
}

/// The folder for the socket: next to the data if the path is short enough.
pub(super) fn socket_folder(folder: &Path, account: &ServerAccount) -> Result<PathBuf> {
    let near = folder.join("socket");
    let far = || {
        let name = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        PathBuf::from(format!("/tmp/crm-backfill-{}", &name[..16]))
    };
    // A quote or a comma would end the path in the server's settings.
    let is_plain =
        near.to_str().is_some_and(|path| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte)));
    let socket = if near.as_os_str().len() <= LONGEST_SOCKET_FOLDER && is_plain { near } else { far() };
    make_private_folder(&socket)?;
    // Another user may have created this name in /tmp before.
    let found = fs::symlink_metadata(&socket)?;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw() || account.owns(&found);
    if !found.is_dir() || !is_ours {
        return Err(Fault::new(Exit::Preflight, "the socket folder belongs to another user")
            .at(socket.display().to_string())
            .into());
    }
    account.own(&socket)?;
    Ok(socket)
}

/// The port of the last start if it is still free, else a free one.
pub(super) fn free_port(folder: &Path) -> Result<u16> {
    let last = fs::read_to_string(folder.join("port")).ok().and_then(|text| text.trim().parse::<u16>().ok());
    let listener = last
        .and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok)
        .context("no free port on the loopback interface")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_or_odd_path_gets_a_short_socket_folder() {
        let account = ServerAccount::Ourselves;
        let root = tempfile::tempdir().unwrap();
        let plain = root.path().join("pg");
        make_private_folder(&plain).unwrap();
        assert_eq!(socket_folder(&plain, &account).unwrap(), plain.join("socket"));
        for name in ["x".repeat(100), "with space, comma".to_owned()] {
            let odd = root.path().join(name);
            let socket = socket_folder(&odd, &account).unwrap();
            assert!(socket.starts_with("/tmp") && socket.as_os_str().len() <= LONGEST_SOCKET_FOLDER);
            fs::remove_dir(socket).unwrap();
        }
    }

    #[test]
    fn the_port_of_the_last_start_is_taken_again_unless_it_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port(folder.path()).unwrap();
        fs::write(folder.path().join("port"), format!("{port}\n")).unwrap();
        assert_eq!(free_port(folder.path()).unwrap(), port);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_ne!(free_port(folder.path()).unwrap(), port);
    }
}
