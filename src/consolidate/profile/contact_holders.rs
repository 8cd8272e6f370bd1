//! Chooses the profile that shows a shared email or phone, for a CRM with a unique key on them. The other profiles keep an alias.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::Options;
use crate::consolidate::mark::{Mark, mark};
use crate::consolidate::profile::pick::ProfileRecords;
use crate::consolidate::profile::record_index::RecordIndex;
use crate::model::{HolderReach, ProfileIx, RecordIx};

/// The profile that shows each email and phone.
#[derive(Default)]
pub struct ContactHolders {
    emails: Option<Holders>,
    phones: Option<Holders>,
}

struct Holders {
    reach: HolderReach,
    by_value: HashMap<Mark, Holder, FixedState>,
    others: u64,
}

/// A profile and its rank as holder of a contact point; smaller is better: whether it would show another value, the rank of the
/// value among its own, whether the record has no name, its place in record order.
struct Holder {
    profile: ProfileIx,
    rank: (bool, u8, bool, u32),
}

/// An email or phone of a profile, with its rank among the profile's own values.
pub struct Carried<'a> {
    /// The email or phone.
    pub value: &'a str,
    /// The record that has it.
    pub record: RecordIx,
    /// The rank of its source; smaller is better.
    pub rank: u8,
    /// Whether the profile would show it if no other profile carried it.
    pub is_chosen: bool,
}

impl ContactHolders {
    /// Without holders.
    pub fn new(options: &Options) -> Self {
        Self { emails: Holders::of(options.email_holder), phones: Holders::of(options.phone_holder) }
    }

    /// Whether every profile shows its own values, so that nothing is assigned.
    pub fn is_idle(&self) -> bool {
        self.emails.is_none() && self.phones.is_none()
    }

    /// Adds a partition of the profiles, in the order of ids. Each value goes to the profile that would show it anyway; among
    /// several, to the record of the better source, then to a record with a name, then by record order. `carried_contacts`
    /// returns the emails and phones that a profile carries.
    pub fn claim<'a>(
        &mut self,
        record_index: &'a RecordIndex,
        carried_contacts: impl Fn(ProfileIx, &ProfileRecords) -> (Vec<Carried<'a>>, Vec<Carried<'a>>),
    ) {
        if self.is_idle() {
            return;
        }
        let mut profile_records = ProfileRecords::default();
        for profile in record_index.profiles() {
            profile_records.fill(record_index, profile);
            let (emails, phones) = carried_contacts(profile, &profile_records);
            for (holders, carried) in [(&mut self.emails, emails), (&mut self.phones, phones)] {
                if let Some(holders) = holders {
                    carried.iter().for_each(|one| holders.claim(record_index, profile, one));
                }
            }
        }
    }

    /// Whether a profile may show an email.
    pub fn may_show_email(&self, record_index: &RecordIndex, profile: ProfileIx, email: &str) -> bool {
        self.emails.as_ref().is_none_or(|holders| holders.may_show(record_index, profile, email))
    }

    /// Whether a profile may show a phone.
    pub fn may_show_phone(&self, record_index: &RecordIndex, profile: ProfileIx, phone: &str) -> bool {
        self.phones.as_ref().is_none_or(|holders| holders.may_show(record_index, profile, phone))
    }

    /// Number of emails and phones that profiles do not show because another profile does.
    pub fn left_to_others(&self) -> u64 {
        [&self.emails, &self.phones].into_iter().flatten().map(|holders| holders.others).sum()
    }
}

impl Holders {
    fn of(reach: HolderReach) -> Option<Self> {
        let by_value = HashMap::with_hasher(FixedState::with_seed(0));
        (reach != HolderReach::Every).then_some(Self { reach, by_value, others: 0 })
    }

    fn key(&self, record_index: &RecordIndex, profile: ProfileIx, value: &str) -> Mark {
        mark((if self.reach == HolderReach::Tenant { record_index.tenant(profile) } else { "" }, value))
    }

    fn claim(&mut self, record_index: &RecordIndex, profile: ProfileIx, carried: &Carried<'_>) {
        let (columns, row) = record_index.at(carried.record);
        let is_nameless = columns.first_name(row).is_none() && columns.last_name(row).is_none();
        let claim = Holder { profile, rank: (!carried.is_chosen, carried.rank, is_nameless, record_index.rank(carried.record)) };
        let key = self.key(record_index, profile, carried.value);
        match self.by_value.get_mut(&key) {
            None => {
                self.by_value.insert(key, claim);
            }
            Some(holder) => {
                self.others += u64::from(holder.profile != profile);
                if claim.rank < holder.rank {
                    *holder = claim;
                }
            }
        }
    }

    fn may_show(&self, record_index: &RecordIndex, profile: ProfileIx, value: &str) -> bool {
        self.by_value.get(&self.key(record_index, profile, value)).is_none_or(|holder| holder.profile == profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::sample::{World, with_email};
    use crate::model::Source;

    fn shown(world: &World, options: &Options, profiles: &[&str]) -> Vec<Option<String>> {
        let built = world.build(options);
        profiles.iter().map(|profile| built.profile_with(&world.id(profile)).email.map(str::to_owned)).collect()
    }

    #[test]
    fn the_profile_of_the_better_source_shows_a_shared_email() {
        let mut world = World::default();
        world
            .add(Source::Teetime, with_email("p", "shared@mail.test"), "a")
            .add(Source::McaZa, with_email("1", "own@mail.test"), "a")
            .add(Source::Scl, with_email("7", "shared@mail.test"), "b")
            .add(Source::Messaging, with_email("c", "shared@mail.test"), "c");
        let mail = |text: &str| Some(text.to_owned());
        let every = shown(&world, &Options::sample(), &["a", "b", "c"]);
        assert_eq!(every, [mail("shared@mail.test"), mail("shared@mail.test"), mail("shared@mail.test")]);
        for email_holder in [HolderReach::Tenant, HolderReach::Global] {
            let options = Options { email_holder, ..Options::sample() };
            assert_eq!(shown(&world, &options, &["a", "b", "c"]), [mail("own@mail.test"), mail("shared@mail.test"), None]);
            let built = world.build(&options);
            assert_eq!(built.aliases.rows().filter(|row| row.value == "shared@mail.test").count(), 3, "all keep an alias");
        }
    }

    #[test]
    fn a_shared_email_goes_to_the_profile_without_another_one() {
        let mut world = World::default();
        world
            .add(Source::Scl, with_email("7", "own@mail.test"), "a")
            .add(Source::McaZa, with_email("1", "shared@mail.test"), "a")
            .add(Source::Messaging, with_email("c", "shared@mail.test"), "b");
        let options = Options { email_holder: HolderReach::Tenant, ..Options::sample() };
        assert_eq!(shown(&world, &options, &["a", "b"]), [Some("own@mail.test".to_owned()), Some("shared@mail.test".to_owned())]);
    }
}
