//! Finds the hashes that occur twice. They wait on disk in sorted runs, so that memory does not grow with their number.

use std::path::Path;

use anyhow::Result;

use crate::store::spill::{Nameless, SpillPlace};

/// Hashes are dealt out by their first bits, so that equal ones meet.
const PARTS: usize = 256;
/// Hashes of a part that are written at once.
const CHUNK: usize = 512;

/// 64-bit hashes, each seen any number of times.
#[derive(Debug)]
pub struct HashRuns {
    file: Nameless,
    parts: Vec<(Vec<u64>, Vec<SpillPlace>)>,
}

impl HashRuns {
    /// None yet, in a file without a name below this folder.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        Ok(Self { file: Nameless::create(folder)?, parts: vec![(Vec::new(), Vec::new()); PARTS] })
    }

    /// Takes some hashes.
    pub fn extend(&mut self, hashes: &[u64]) -> Result<()> {
        for &hash in hashes {
            let (waiting, runs) = &mut self.parts[(hash >> 56) as usize];
            waiting.push(hash);
            if waiting.len() == CHUNK {
                let bytes: Vec<u8> = waiting.iter().flat_map(|hash| hash.to_le_bytes()).collect();
                runs.push(self.file.append(&bytes)?);
                waiting.clear();
            }
        }
        Ok(())
    }

    /// How many of them came before.
    pub fn repeated(self) -> Result<u64> {
        let mut repeated = 0;
        for (mut hashes, runs) in self.parts {
            for place in runs {
                let bytes = self.file.read(place)?;
                hashes.extend(bytes.chunks_exact(8).map(|hash| hash.try_into().map(u64::from_le_bytes).unwrap_or_default()));
            }
            hashes.sort_unstable();
            repeated += hashes.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        }
        Ok(repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_that_came_before_are_counted_however_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for count in [0, 10, 300_000] {
            let mut runs = HashRuns::create(folder.path()).unwrap();
            runs.extend(&(0..count).map(hash).collect::<Vec<_>>()).unwrap();
            runs.extend(&(0..count / 10).map(hash).collect::<Vec<_>>()).unwrap();
            assert_eq!(runs.repeated().unwrap(), count / 10);
        }
    }
}
