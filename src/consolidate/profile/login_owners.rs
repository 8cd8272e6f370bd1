//! Chooses the profile that holds a subject of the identity provider, which is unique in the CRM. The others keep an alias.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::profile::record_index::Roster;
use crate::model::{ProfileIx, RecordIx, RecordKey, Source, record_order};

/// The profile that holds each subject, and the others that carry it.
pub struct Subjects<'a> {
    holders: HashMap<&'a str, Holder, FixedState>,
    others: Vec<(ProfileIx, ProfileIx)>,
}

struct Holder {
    profile: ProfileIx,
    rank: (bool, bool),
    record: RecordIx,
}

impl<'a> Subjects<'a> {
    /// Gives each subject to the profile of the best record: an SCL record, then a record with a name, then by record order.
    pub fn new(roster: &'a Roster) -> Self {
        let mut holders: HashMap<&'a str, Holder, FixedState> = HashMap::with_hasher(FixedState::with_seed(0));
        let mut carried: Vec<(&'a str, ProfileIx)> = Vec::new();
        for source in [Source::Scl, Source::Messaging] {
            for record in roster.records_of(source) {
                let (columns, row) = roster.at(record);
                let (Some(subject), Some(profile)) = (columns.auth_user_id(row), roster.profile_of(record)) else { continue };
                carried.push((subject, profile));
                let is_named = columns.first_name(row).is_some() || columns.last_name(row).is_some();
                let rank = (source != Source::Scl, !is_named);
                let holder = holders.entry(subject).or_insert(Holder { profile, rank, record });
                let key = |record| RecordKey { source: roster.source(record), id: roster.source_id(record) };
                let order = rank.cmp(&holder.rank).then_with(|| record_order(key(record), key(holder.record)));
                if order.is_lt() {
                    *holder = Holder { profile, rank, record };
                }
            }
        }
        let mut others: Vec<(ProfileIx, ProfileIx)> = carried
            .into_iter()
            .map(|(subject, profile)| (holders[subject].profile, profile))
            .filter(|(holder, other)| holder != other)
            .collect();
        others.sort_unstable();
        others.dedup();
        Self { holders, others }
    }

    /// The profile that holds a subject.
    pub fn holder(&self, subject: &str) -> Option<ProfileIx> {
        self.holders.get(subject).map(|holder| holder.profile)
    }

    /// Pairs of the holder of a subject and another profile that carries it, for the review queue.
    pub fn others(&self) -> &[(ProfileIx, ProfileIx)] {
        &self.others
    }
}
