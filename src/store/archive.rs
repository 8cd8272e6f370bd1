//! Archives of small files as POSIX tar (ustar): the same files give the same bytes, since no time, owner or host is written.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::fault::{Exit, Fault};
use crate::store::{Destination, io_fault, read_file};

/// Bytes of a header, and the unit of file contents.
const BLOCK: usize = 512;
/// The longest name of a file without a prefix field.
const NAME: usize = 100;
/// Position of the checksum in a header.
const CHECKSUM: std::ops::Range<usize> = 148..156;
/// Magic and version.
const USTAR: &[u8; 8] = b"ustar\x0000";

/// Writes an archive of these files, by name; only its owner can read it.
pub fn write_archive(path: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let mut output = Destination::create(path)?;
    let mut write = |bytes: &[u8]| output.write_all(bytes).map_err(|error| io_fault("write", path, &error));
    for (name, bytes) in files {
        write(&header(name, bytes.len())?)?;
        write(bytes)?;
        write(&vec![0; bytes.len().next_multiple_of(BLOCK) - bytes.len()])?;
    }
    write(&[0; 2 * BLOCK])?;
    output.finish()
}

/// Reads an archive that [`write_archive`] wrote.
pub fn read_archive(path: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let at = || path.display().to_string();
    let bytes = read_file(path)?.ok_or_else(|| Fault::new(Exit::Usage, "there is no such file").at(at()))?;
    let damaged = || {
        let fault = Fault::new(Exit::Input, "the file is not a complete archive of this program").at(at());
        fault.help("it was cut short or changed; take another copy")
    };
    let mut files = BTreeMap::new();
    let mut rest = bytes.as_slice();
    loop {
        let (block, after) = rest.split_at_checked(BLOCK).ok_or_else(damaged)?;
        if block.iter().all(|byte| *byte == 0) {
            return if after.len() == BLOCK && after.iter().all(|byte| *byte == 0) { Ok(files) } else { Err(damaged().into()) };
        }
        let (name, size) = parsed(block).ok_or_else(damaged)?;
        let (content, after) = after.split_at_checked(size.next_multiple_of(BLOCK)).ok_or_else(damaged)?;
        if content[size..].iter().any(|byte| *byte != 0) || files.insert(name, content[..size].to_vec()).is_some() {
            return Err(damaged().into());
        }
        rest = after;
    }
}

fn header(name: &str, size: usize) -> Result<[u8; BLOCK]> {
    if name.len() > NAME || size >= 1 << 33 {
        return Err(Fault::new(Exit::Bug, "a file does not fit into an archive").at(name.to_owned()).into());
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(156, b"0");
    put(257, USTAR);
    let sum = checksum(&block);
    block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// Name and size of a file, if its header is exactly the one that is written for them.
fn parsed(block: &[u8]) -> Option<(String, usize)> {
    let name = block[..NAME].split(|byte| *byte == 0).next()?;
    let name = String::from_utf8(name.to_vec()).ok()?;
    let size = usize::from_str_radix(std::str::from_utf8(&block[124..135]).ok()?, 8).ok()?;
    (header(&name, size).ok()?.as_slice() == block).then_some((name, size))
}

/// The sum of all bytes, with blanks in place of the checksum itself.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    block.iter().enumerate().map(|(at, byte)| if CHECKSUM.contains(&at) { u32::from(b' ') } else { u32::from(*byte) }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> BTreeMap<String, Vec<u8>> {
        let sizes = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5000];
        sizes.iter().map(|size| (format!("folder/{size}.txt"), vec![b'x'; *size])).collect()
    }

    #[test]
    fn files_come_back_as_they_were_written_and_tar_lists_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        write_archive(&path, &files()).unwrap();
        assert_eq!(read_archive(&path).unwrap(), files());
        let first = std::fs::read(&path).unwrap();
        write_archive(&path, &files()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
        if let Ok(listed) = std::process::Command::new("tar").arg("-tf").arg(&path).output() {
            assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
            assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().collect::<Vec<_>>(), files().keys().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_cut_or_a_change_outside_the_contents_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        write_archive(&path, &files()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for cut in [0, 100, BLOCK, bytes.len() - BLOCK, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(read_archive(&path).is_err(), "{cut}");
        }
        for at in [0, 101, 130, 140, 150, 160, 258, 400, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(read_archive(&path).is_err(), "{at}");
        }
    }
}
