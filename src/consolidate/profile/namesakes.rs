//! Namesakes: profiles of one tenant with the same email and full name. They go to the review queue with the reason that keeps
//! them apart.

use foldhash::fast::FixedState;
use rayon::prelude::*;
use std::hash::BuildHasher as _;

use crate::consolidate::RecordIndex;
use crate::consolidate::consent::contact_points::{Address, Hubs, email_form};
use crate::consolidate::profile::fields::Golden;
use crate::model::{ProfileIx, RecordIx};
use crate::tables::stage::people::Columns;

/// A text column of people.
type PeopleColumn = fn(&Columns, usize) -> Option<&str>;

/// The numbers that are issued once per person, each with its constraint.
const KINDS: [(&str, PeopleColumn); 3] =
    [("GOLF_RSA_ID_CONFLICT", Columns::golf_rsa_id), ("CDH_ID_CONFLICT", Columns::cdh_id), ("MCA_ID_CONFLICT", Columns::mca_id)];

/// Pairs are filed for groups of at most this many profiles; a value of larger groups is over-shared.
const MOST: usize = 8;

/// Per profile: a hash of tenant, email and full name, and the numbers that may show that it is another person.
#[derive(Clone, Default)]
pub struct Namesakes {
    keys: Vec<(u64, ProfileIx)>,
    /// Profile, kind and a hash of the number, by profile.
    numbers: Vec<(ProfileIx, u8, u64)>,
}

impl Namesakes {
    /// Adds a profile that shows an email and a full name. Profiles must come in order.
    pub fn note(&mut self, record_index: &RecordIndex, hubs: &Hubs, profile: ProfileIx, golden: &Golden<'_>) {
        let (Some(email), Some(first), Some(last)) = (golden.email, golden.first_name, golden.last_name) else { return };
        let key = |record: RecordIx, column: PeopleColumn| {
            let (columns, row) = record_index.at(record);
            column(columns, row).map(plain)
        };
        let first = key(first.record, Columns::first_key);
        let last = key(last.record, Columns::last_key);
        if let (Some(first), Some(last)) = (first, last)
            && !hubs.has(Address::Email, email.value)
        {
            let place = (record_index.tenant(profile), email_form(email.value), first.clone().min(last.clone()), first.max(last));
            self.keys.push((FixedState::with_seed(2).hash_one(place), profile));
            for &record in record_index.members(profile) {
                let (columns, row) = record_index.at(record);
                for (kind, (_, column)) in (0..).zip(KINDS) {
                    let number = column(columns, row).map(|number| plain(number).trim_start_matches('0').to_owned());
                    self.numbers.extend(number.map(|number| (profile, kind, FixedState::with_seed(3).hash_one(number))));
                }
            }
        }
    }

    /// Adds the profiles of the next batch.
    pub fn merge(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.numbers.extend(other.numbers);
    }

    /// The pairs with different association numbers, each with the constraint that keeps it apart.
    pub fn pairs(mut self) -> Vec<(ProfileIx, ProfileIx, &'static str)> {
        self.keys.par_sort_unstable();
        let mut pairs = Vec::new();
        for group in self.keys.chunk_by(|a, b| a.0 == b.0).filter(|group| (2..=MOST).contains(&group.len())) {
            for (position, &(_, a)) in group.iter().enumerate() {
                let others = group[position + 1..].iter();
                pairs.extend(others.filter_map(|&(_, b)| Some((a, b, self.constraint(a, b)?))));
            }
        }
        pairs
    }

    /// The constraint that keeps two profiles apart: two numbers that are issued once per person.
    fn constraint(&self, a: ProfileIx, b: ProfileIx) -> Option<&'static str> {
        let numbers = |profile: ProfileIx, kind: u8| {
            let from = self.numbers.partition_point(|(owner, ..)| *owner < profile);
            let own = self.numbers[from..].iter().take_while(move |(owner, ..)| *owner == profile);
            own.filter(move |(_, of, _)| *of == kind).map(|(.., number)| *number).collect::<Vec<_>>()
        };
        let is_broken = |kind: u8| {
            let (mine, theirs) = (numbers(a, kind), numbers(b, kind));
            !mine.is_empty() && !theirs.is_empty() && !mine.iter().any(|number| theirs.contains(number))
        };
        (0..).zip(KINDS).find(|(kind, _)| is_broken(*kind)).map(|(_, (code, _))| code)
    }
}

/// Only the letters and digits, the form in which names and numbers are compared.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
