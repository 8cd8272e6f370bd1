//! Chooses the profile that holds a subject of the identity provider, which is unique in the CRM. The others keep an alias.

use rayon::prelude::*;

use crate::consolidate::mark::{Mark, mark};
use crate::consolidate::profile::directory::Directory;
use crate::model::{ProfileIx, RecordIx, Source};
use crate::tables::{Columns as _, stage::people};

/// The profile that holds each subject, and the others that carry it.
#[derive(Default)]
pub struct Subjects {
    /// During collection all claims; afterwards the best one of each subject.
    claims: Vec<Claim>,
    others: Vec<(ProfileIx, ProfileIx)>,
}

/// A record with a subject, and its rank; smaller is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    subject: Mark,
    /// Whether it is of another source than SCL, whether it has no name, its position in record order.
    rank: (bool, bool, u32),
    profile: ProfileIx,
}

impl Subjects {
    /// Adds a batch of people; the first one has this number.
    pub fn note(&mut self, directory: &Directory, source: Source, first: RecordIx, columns: &people::Columns) {
        if !matches!(source, Source::Scl | Source::Messaging) {
            return;
        }
        for row in 0..columns.len() {
            let record = RecordIx::at(first.index() + row);
            let (Some(subject), Some(profile)) = (columns.auth_user_id(row), directory.profile_of(record)) else { continue };
            let is_named = columns.first_name(row).is_some() || columns.last_name(row).is_some();
            let rank = (source != Source::Scl, !is_named, directory.rank(record));
            self.claims.push(Claim { subject: mark(subject), rank, profile });
        }
    }

    /// Gives each subject to the profile of the best record: an SCL record, then a record with a name, then by record order.
    pub fn settle(&mut self) {
        self.claims.par_sort_unstable();
        let groups = self.claims.chunk_by(|a, b| a.subject == b.subject);
        let pairs = groups.flat_map(|group| group.iter().map(|other| (group[0].profile, other.profile)));
        self.others = pairs.filter(|(holder, other)| holder != other).collect();
        self.others.sort_unstable();
        self.others.dedup();
        self.claims.dedup_by_key(|claim| claim.subject);
        self.claims.shrink_to_fit();
    }

    /// The profile that holds a subject.
    pub fn holder(&self, subject: &str) -> Option<ProfileIx> {
        let subject = mark(subject);
        self.claims.binary_search_by_key(&subject, |claim| claim.subject).ok().map(|at| self.claims[at].profile)
    }

    /// Pairs of the holder of a subject and another profile that carries it, for the review queue.
    pub fn others(&self) -> &[(ProfileIx, ProfileIx)] {
        &self.others
    }
}
