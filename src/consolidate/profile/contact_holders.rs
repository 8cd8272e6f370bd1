//! Chooses the profile that shows a shared email or phone, for a CRM with a unique key on them. The other profiles keep an alias.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::profile::pick::Lineup;
use crate::consolidate::profile::record_index::Roster;
use crate::consolidate::{HolderReach, Options};
use crate::model::{ProfileIx, RecordIx, RecordKey, record_order};

/// The profile that shows each email and phone.
#[derive(Default)]
pub struct ContactHolders<'a> {
    emails: Option<Holders<'a>>,
    phones: Option<Holders<'a>>,
}

struct Holders<'a> {
    reach: HolderReach,
    by_value: HashMap<(&'a str, &'a str), Holder, FixedState>,
    others: u64,
}

/// A profile and its rank as holder of a contact point; smaller is better: whether it would show another value, the rank of the value among its own,
/// whether the record has no name.
struct Holder {
    profile: ProfileIx,
    rank: (bool, u8, bool),
    record: RecordIx,
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

impl<'a> ContactHolders<'a> {
    /// Gives each value to the profile that would show it anyway; among several, to the record of the better source, then to a record with a
    /// name, then by record order. `carried_contacts` tells the emails and the phones that a profile carries.
    pub fn new(
        roster: &'a Roster,
        options: &Options,
        carried_contacts: impl Fn(ProfileIx, &Lineup) -> (Vec<Carried<'a>>, Vec<Carried<'a>>),
    ) -> Self {
        let mut all = Self { emails: Holders::of(options.email_holder), phones: Holders::of(options.phone_holder) };
        if all.emails.is_none() && all.phones.is_none() {
            return all;
        }
        let mut lineup = Lineup::default();
        for profile in roster.profiles() {
            lineup.fill(roster, profile);
            let (emails, phones) = carried_contacts(profile, &lineup);
            for (holders, carried) in [(&mut all.emails, emails), (&mut all.phones, phones)] {
                if let Some(holders) = holders {
                    carried.iter().for_each(|one| holders.claim(roster, profile, one));
                }
            }
        }
        all
    }

    /// Whether a profile may show an email.
    pub fn may_show_email(&self, roster: &Roster, profile: ProfileIx, email: &str) -> bool {
        self.emails.as_ref().is_none_or(|holders| holders.may_show(roster, profile, email))
    }

    /// Whether a profile may show a phone.
    pub fn may_show_phone(&self, roster: &Roster, profile: ProfileIx, phone: &str) -> bool {
        self.phones.as_ref().is_none_or(|holders| holders.may_show(roster, profile, phone))
    }

    /// How many emails and phones profiles do not show because another profile does.
    pub fn left_to_others(&self) -> u64 {
        [&self.emails, &self.phones].into_iter().flatten().map(|holders| holders.others).sum()
    }
}

impl<'a> Holders<'a> {
    fn of(reach: HolderReach) -> Option<Self> {
        let by_value = HashMap::with_hasher(FixedState::with_seed(0));
        (reach != HolderReach::Every).then_some(Self { reach, by_value, others: 0 })
    }

    fn key<'k>(&self, roster: &'k Roster, profile: ProfileIx, value: &'k str) -> (&'k str, &'k str) {
        (if self.reach == HolderReach::Tenant { roster.tenant(profile) } else { "" }, value)
    }

    fn claim(&mut self, roster: &'a Roster, profile: ProfileIx, carried: &Carried<'a>) {
        let (columns, row) = roster.at(carried.record);
        let is_nameless = columns.first_name(row).is_none() && columns.last_name(row).is_none();
        let claim = Holder { profile, rank: (!carried.is_chosen, carried.rank, is_nameless), record: carried.record };
        let key = self.key(roster, profile, carried.value);
        let order = |record: RecordIx| RecordKey { source: roster.source(record), id: roster.source_id(record) };
        match self.by_value.get_mut(&key) {
            None => {
                self.by_value.insert(key, claim);
            }
            Some(holder) => {
                self.others += u64::from(holder.profile != profile);
                let by_record = || record_order(order(claim.record), order(holder.record));
                if claim.rank.cmp(&holder.rank).then_with(by_record).is_lt() {
                    *holder = claim;
                }
            }
        }
    }

    fn may_show(&self, roster: &Roster, profile: ProfileIx, value: &str) -> bool {
        self.by_value.get(&self.key(roster, profile, value)).is_none_or(|holder| holder.profile == profile)
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
