//! Who is who in truth, kept beside the data, and how near a resolution came to it.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::fault::{Exit, Fault};
use crate::model::{Code as _, Source};
use crate::store::{Layout, io_fault};

use super::records::Records;

/// `data/demo/truth.csv`
pub fn path(layout: &Layout) -> PathBuf {
    layout.root().join("demo").join("truth.csv")
}

/// Writes one line per person record. Only its owner may read it, as if it were about real people.
pub fn write(records: &Records, path: &Path) -> Result<()> {
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

/// Who a record is, and with whom they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// The person.
    pub person: u32,
    /// The person's household.
    pub household: u32,
}

/// What [`write()`] wrote, by source and id.
pub fn read(path: &Path) -> Result<HashMap<(Source, String), Truth, FixedState>> {
    let text = fs::read_to_string(path).map_err(|_| {
        Fault::new(Exit::Input, "there is no truth to compare with").at(path.display().to_string()).help("make up")
    })?;
    let line = |line: &str| {
        let mut cells = line.split(',');
        let (source, _, id) = (Source::from_code(cells.next()?)?, cells.next()?, cells.next()?);
        Some(((source, id.to_owned()), Truth { person: cells.next()?.parse().ok()?, household: cells.next()?.parse().ok()? }))
    };
    text.lines()
        .skip(1)
        .map(|text| line(text).with_context(|| format!("{} holds a line of another kind", path.display())))
        .collect()
}

/// How near a resolution came to the truth, in pairs of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Records that were compared.
    pub records: u64,
    /// Profiles they were put into.
    pub profiles: u64,
    /// Pairs of records in one profile.
    pub linked: u64,
    /// Of those: pairs of one person.
    pub right: u64,
    /// Of those linked: pairs of two people of one household.
    pub household: u64,
    /// Pairs of one person.
    pub true_pairs: u64,
    /// Of those: pairs of one tenant, which alone may be linked.
    pub true_pairs_of_a_tenant: u64,
    /// Records of the largest profile.
    pub largest: u64,
}

impl Accuracy {
    /// Share of the linked pairs that are right.
    pub fn precision(&self) -> f64 {
        share(self.right, self.linked)
    }

    /// The same with pairs inside one household set aside.
    pub fn precision_between_households(&self) -> f64 {
        share(self.right, self.linked - self.household)
    }

    /// Share of the right pairs within a tenant that are linked.
    pub fn recall(&self) -> f64 {
        share(self.right, self.true_pairs_of_a_tenant)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Compares; each record is its truth, its tenant and its profile. A record without a profile is alone.
pub fn compare<'a>(records: impl IntoIterator<Item = (Truth, Option<&'a str>, Option<&'a str>)>) -> Accuracy {
    type Counts<K> = HashMap<K, u64, FixedState>;
    let mut found = Accuracy::default();
    let mut by_profile: HashMap<&str, Vec<Truth>, FixedState> = HashMap::default();
    let (mut by_person, mut by_person_and_tenant) = (Counts::<u32>::default(), Counts::<(u32, &str)>::default());
    for (truth, tenant, profile) in records {
        found.records += 1;
        *by_person.entry(truth.person).or_default() += 1;
        if let Some(tenant) = tenant {
            *by_person_and_tenant.entry((truth.person, tenant)).or_default() += 1;
        }
        if let Some(profile) = profile {
            by_profile.entry(profile).or_default().push(truth);
        }
    }
    found.true_pairs = by_person.values().map(|count| pairs(*count)).sum();
    found.true_pairs_of_a_tenant = by_person_and_tenant.values().map(|count| pairs(*count)).sum();
    for members in by_profile.values() {
        let (mut people, mut households) = (Counts::<u32>::default(), Counts::<u32>::default());
        for member in members {
            *people.entry(member.person).or_default() += 1;
            *households.entry(member.household).or_default() += 1;
        }
        let right: u64 = people.values().map(|count| pairs(*count)).sum();
        let at_home: u64 = households.values().map(|count| pairs(*count)).sum();
        found.profiles += 1;
        found.linked += pairs(members.len() as u64);
        found.right += right;
        found.household += at_home - right;
        found.largest = found.largest.max(members.len() as u64);
    }
    found
}

fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
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
        assert_eq!((found.records, found.profiles, found.linked, found.right, found.household), (6, 2, 6, 1, 2));
        assert_eq!((found.true_pairs, found.true_pairs_of_a_tenant, found.largest), (2, 1, 4));
        assert!((found.precision_between_households() - 0.25).abs() < 1e-9);
    }

    #[test]
    fn the_truth_reads_back_as_it_was_written_and_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let records = crate::demo::people(&crate::demo::Population::FAMILIES, 3, 0.002);
        write(&records, &path(&layout)).unwrap();
        let known = read(&path(&layout)).unwrap();
        assert_eq!(known.len(), Source::ALL.iter().map(|source| records.count(*source)).sum::<usize>());
        let first = records.of(Source::Teetime).next().unwrap();
        assert_eq!(known[&(Source::Teetime, first.id)].person, first.person);
        assert_eq!(fs::metadata(path(&layout)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
