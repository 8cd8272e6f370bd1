//! The ground truth of the demo, and the accuracy of a resolution measured against it.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::fault::{Exit, Fault};
use crate::model::{Code as _, RecordIx, Source};
use crate::resolve::evaluate::accuracy::Accuracy;
use crate::store::{Layout, io_fault};

use super::records::DemoRecords;

/// `data/demo/truth.csv`
pub fn path(layout: &Layout) -> PathBuf {
    layout.root().join("demo").join("truth.csv")
}

/// Writes one line per person record, readable by the owner only, as for real people.
pub fn write(records: &DemoRecords, path: &Path) -> Result<()> {
    let fault = |error: std::io::Error| io_fault("write", path, &error);
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fault)?;
    }
    let file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path).map_err(fault)?;
    let mut out = BufWriter::new(file);
    writeln!(out, "source,entity,source_id,person,household").map_err(fault)?;
    for &source in Source::ALL {
        for record in records.of(source) {
            let household = records.household(record.person);
            writeln!(out, "{},{},{},{},{household}", source.code(), source.people(), record.id, record.person).map_err(fault)?;
        }
    }
    out.flush().map_err(|error| fault(error).into())
}

/// The true person and household of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// The person.
    pub person: u32,
    /// The person's household.
    pub household: u32,
}

/// Reads the file written by [`write()`]; keys are source and id.
pub fn read(path: &Path) -> Result<HashMap<(Source, String), Truth, FixedState>> {
    let text = fs::read_to_string(path).map_err(|_| {
        Fault::new(Exit::Input, "there is no ground truth to compare with").at(path.display().to_string()).help("make up")
    })?;
    let line = |line: &str| {
        let mut cells = line.split(',');
        let (source, _, id) = (Source::from_code(cells.next()?)?, cells.next()?, cells.next()?);
        Some(((source, id.to_owned()), Truth { person: cells.next()?.parse().ok()?, household: cells.next()?.parse().ok()? }))
    };
    text.lines()
        .skip(1)
        .map(|text| line(text).with_context(|| format!("{} holds a line that cannot be read", path.display())))
        .collect()
}

/// The accuracy of a resolution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nearness {
    /// Number of records.
    pub records: u64,
    /// Number of profiles.
    pub profiles: u64,
    /// Precision and recall over pairs of records. A record without a profile is a cluster of its own.
    pub pairs: Accuracy,
    /// Pairs of records of one person within one tenant. Only these may be linked.
    pub true_pairs_of_a_tenant: u64,
}

impl Nearness {
    /// Share of these pairs that are linked.
    pub fn recall_within_tenant(&self) -> f64 {
        if self.true_pairs_of_a_tenant == 0 {
            return 1.0;
        }
        self.pairs.right_pairs as f64 / self.true_pairs_of_a_tenant as f64
    }
}

/// Measures the accuracy. Each record is its truth, tenant and profile.
pub fn compare<'a>(records: impl IntoIterator<Item = (Truth, Option<&'a str>, Option<&'a str>)>) -> Nearness {
    let mut numbers: HashMap<&str, u32, FixedState> = HashMap::default();
    let mut of_tenant: HashMap<(u32, &str), u64, FixedState> = HashMap::default();
    let (mut labels, mut people, mut households) = (Vec::new(), Vec::new(), Vec::new());
    let mut alone = u32::MAX;
    for (truth, tenant, profile) in records {
        let next = u32::try_from(numbers.len()).expect("profiles are counted in 32 bits");
        labels.push(RecordIx(profile.map_or(alone, |profile| *numbers.entry(profile).or_insert(next))));
        alone -= u32::from(profile.is_none());
        people.push(truth.person);
        households.push(truth.household);
        if let Some(tenant) = tenant {
            *of_tenant.entry((truth.person, tenant)).or_default() += 1;
        }
    }
    Nearness {
        records: labels.len() as u64,
        profiles: numbers.len() as u64,
        pairs: Accuracy::of(&labels, &people, &households),
        true_pairs_of_a_tenant: of_tenant.values().map(|count| count * (count - 1) / 2).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_as_by_hand() {
        let truth = |person, household| Truth { person, household };
        let found = compare([
            (truth(1, 1), Some("1"), Some("a")),
            (truth(1, 1), Some("1"), Some("a")),
            (truth(2, 1), Some("1"), Some("a")),
            (truth(3, 3), Some("1"), Some("a")),
            (truth(3, 3), Some("2"), Some("b")),
            (truth(4, 4), None, None),
        ]);
        // Profile a: six pairs, one of them right, two inside household 1.
        let pairs = &found.pairs;
        assert_eq!((found.records, found.profiles), (6, 2));
        assert_eq!((pairs.joined_pairs, pairs.right_pairs, pairs.household_pairs), (6, 1, 2));
        assert_eq!((pairs.true_pairs, found.true_pairs_of_a_tenant, pairs.largest), (2, 1, 4));
        assert!((pairs.precision_beyond_households() - 0.25).abs() < 1e-9);
    }

    #[test]
    fn the_truth_reads_back_as_it_was_written_and_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let records = crate::demo::people(&crate::demo::DemoPopulation::FAMILIES, 3, 0.002);
        write(&records, &path(&layout)).unwrap();
        let known = read(&path(&layout)).unwrap();
        assert_eq!(known.len(), Source::ALL.iter().map(|source| records.count(*source)).sum::<usize>());
        let first = records.of(Source::Teetime).next().unwrap();
        assert_eq!(known[&(Source::Teetime, first.id)].person, first.person);
        assert_eq!(fs::metadata(path(&layout)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
