//! Profiles that show the same email: each group must have a reason why it is not one person.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::model::ProfileIx;
use crate::prove::{Finding, ProfilePlace, Profiles, RecordProfiles, hash};
use crate::tables::resolution::{candidates, hubs};
use crate::tables::stage::people;

const CHECK: &str = "duplicate_emails";
/// The reasons; the first that applies counts.
const CLASSES: [&str; 7] = ["OTHER_TENANT", "HUB", "CANDIDATE", "HOUSEHOLD", "CONSTRAINT", "NAMELESS", "unclassed"];

/// Kinds of numbers that are issued once per person.
const NUMBERS: u8 = 4;

/// The facts of the records of one profile.
#[derive(Default)]
struct EmailHolder {
    group: u32,
    names: KnownNames,
    /// Names of the records that have the group's email.
    names_at_email: KnownNames,
    /// Numbers that are issued once per person: their kind, and a hash.
    numbers: Vec<(u8, u64)>,
}

/// The names of some records, in their form for comparison.
#[derive(Default)]
struct KnownNames {
    firsts: Vec<Box<str>>,
    lasts: Vec<Box<str>>,
}

impl KnownNames {
    /// Full first names; initials only if no record has more.
    fn fullest(&self) -> impl Iterator<Item = &str> {
        let has_full = self.firsts.iter().any(|name| name.chars().count() > 1);
        self.firsts.iter().map(|name| &**name).filter(move |name| !has_full || name.chars().count() > 1)
    }

    fn may_share_first(&self, other: &Self) -> bool {
        let initial = |name: &str| name.chars().next();
        let is_short = |name: &str| name.chars().count() == 1;
        self.fullest().any(|mine| {
            other
                .fullest()
                .any(|theirs| mine == theirs || initial(mine) == initial(theirs) && (is_short(mine) || is_short(theirs)))
        })
    }

    fn shares_last(&self, other: &Self) -> bool {
        self.lasts.iter().any(|mine| other.lasts.contains(mine))
    }

    /// Whether the names differ, so that these are two people.
    fn are_others(&self, other: &Self) -> bool {
        let are_named = !self.firsts.is_empty() && !other.firsts.is_empty();
        let are_surnamed = !self.lasts.is_empty() && !other.lasts.is_empty();
        are_named && (!self.may_share_first(other) || are_surnamed && !self.shares_last(other))
    }

    fn add(&mut self, row: &people::Row<'_>) {
        add(&mut self.firsts, row.first_key);
        add(&mut self.lasts, row.last_key);
    }
}

impl EmailHolder {
    /// Whether the names differ, of all records or of those that have the email: a profile may also hold a record of another name, to
    /// which the email did not lead.
    fn has_other_name(&self, other: &Self) -> bool {
        self.names.are_others(&other.names) || self.names_at_email.are_others(&other.names_at_email)
    }

    /// Whether both have a number of a kind and none in common.
    fn has_other_number(&self, other: &Self) -> bool {
        (0..NUMBERS).any(|kind| {
            let of_kind = |holder: &'_ Self| holder.numbers.iter().filter(|(of, _)| *of == kind).copied().collect::<Vec<_>>();
            let (mine, theirs) = (of_kind(self), of_kind(other));
            !mine.is_empty() && !theirs.is_empty() && !mine.iter().any(|number| theirs.contains(number))
        })
    }
}

#[derive(Default)]
struct EmailGroup {
    email: u64,
    holders: Vec<ProfileIx>,
    is_hub: bool,
    is_candidate: bool,
    /// Email keys of a holder's records, with the tenant.
    keys: Vec<(u64, u32)>,
}

/// Groups of profiles by email.
pub struct Duplicates<'a> {
    profiles: &'a Profiles,
    records: &'a RecordProfiles,
    groups: Vec<EmailGroup>,
    holders: HashMap<ProfileIx, EmailHolder, FixedState>,
    /// Groups in which every profile has a different tenant.
    other_tenant: u64,
}

/// A name without blanks and punctuation, the form for comparison.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Adds a new name.
fn add(names: &mut Vec<Box<str>>, name: Option<&str>) {
    let name = name.map(plain);
    names.extend(name.map(String::into_boxed_str).filter(|name| !names.contains(name)));
}

impl<'a> Duplicates<'a> {
    /// Groups the profiles by email.
    pub fn new(profiles: &'a Profiles, records: &'a RecordProfiles) -> Self {
        let (mut groups, mut holders, mut other_tenant) = (Vec::new(), HashMap::<_, EmailHolder, FixedState>::default(), 0);
        for (email, members) in profiles.by_email() {
            let tenants: HashSet<u32, FixedState> = members.iter().map(|profile| profiles.get(*profile).tenant).collect();
            if tenants.len() == members.len() {
                other_tenant += 1;
                continue;
            }
            let group = u32::try_from(groups.len()).expect("fewer groups than profiles");
            holders.extend(members.iter().map(|profile| (*profile, EmailHolder { group, ..EmailHolder::default() })));
            groups.push(EmailGroup { email, holders: members, ..EmailGroup::default() });
        }
        Self { profiles, records, groups, holders, other_tenant }
    }

    /// Adds a batch of people with their positions.
    pub fn add_people(&mut self, columns: &people::Columns, places: &[Option<ProfilePlace>]) {
        for (row, record) in columns.rows().zip(places) {
            let Some(profile) = record.map(|record| self.records.at(record)) else { continue };
            let Some(holder) = self.holders.get_mut(&profile) else { continue };
            holder.names.add(&row);
            let numbers = [row.golf_rsa_id, row.cdh_id, row.mca_id, row.auth_user_id];
            for (kind, number) in (0..NUMBERS).zip(numbers) {
                let number = number.map(|number| (kind, hash(plain(number).to_lowercase().trim_start_matches('0'))));
                holder.numbers.extend(number.filter(|number| !holder.numbers.contains(number)));
            }
            let group = &mut self.groups[holder.group as usize];
            if row.email.map(hash) == Some(group.email) {
                holder.names_at_email.add(&row);
                group.keys.extend(row.email_key.map(|key| (hash(key), self.profiles.get(profile).tenant)));
            }
        }
    }

    /// Adds a batch of over-shared values, after the person records.
    pub fn add_hubs(&mut self, columns: &hubs::Columns) {
        let hubs: HashMap<u64, Vec<Option<&str>>, FixedState> =
            columns.rows().filter(|row| row.kind == "EMAIL").fold(HashMap::default(), |mut hubs, row| {
                hubs.entry(hash(row.value)).or_insert_with(Vec::new).push(row.tenant_id);
                hubs
            });
        if hubs.is_empty() {
            return;
        }
        for group in &mut self.groups {
            let name = |tenant: u32| self.profiles.tenants().get(tenant as usize).map(String::as_str);
            group.is_hub |= group.keys.iter().any(|(key, tenant)| {
                hubs.get(key).is_some_and(|tenants| tenants.iter().any(|known| known.is_none() || *known == name(*tenant)))
            });
        }
    }

    /// Adds a batch of pairs that were considered and not linked.
    pub fn add_candidates(&mut self, columns: &candidates::Columns) {
        for row in columns.rows() {
            self.add_pair(row.a_profile_id, row.b_profile_id);
        }
    }

    /// Adds a pair of profiles that was decided to be two people, or that was considered and not linked.
    pub fn add_pair(&mut self, a: &str, b: &str) {
        let (Some(a), Some(b)) = (self.profiles.find(a), self.profiles.find(b)) else { return };
        let group = |profile| self.holders.get(&profile).map(|holder| holder.group);
        let is_one_tenant = self.profiles.get(a).tenant == self.profiles.get(b).tenant;
        if let Some(found) = group(a).filter(|found| is_one_tenant && group(b) == Some(*found)) {
            self.groups[found as usize].is_candidate = true;
        }
    }

    /// The findings about the groups.
    pub fn finish(self) -> Vec<Finding> {
        let mut counts = [0_u64; CLASSES.len()];
        counts[0] = self.other_tenant;
        let mut unclassed: Vec<String> = Vec::new();
        for group in &self.groups {
            let class = self.class(group);
            counts[class] += 1;
            if class == CLASSES.len() - 1 {
                unclassed.extend(group.holders.iter().map(|profile| self.profiles.id(*profile)));
            }
        }
        unclassed.sort_unstable();
        unclassed.truncate(5);
        let all: u64 = counts.iter().sum();
        let finding = |(place, class): (usize, &&str)| {
            let is_last = place == CLASSES.len() - 1;
            Finding {
                check: CHECK,
                item: format!("{class} groups"),
                examined: if is_last { all } else { counts[place] },
                expected: if is_last { "0".to_owned() } else { counts[place].to_string() },
                observed: counts[place].to_string(),
                examples: if is_last { unclassed.clone() } else { Vec::new() },
            }
        };
        CLASSES.iter().enumerate().map(finding).collect()
    }

    fn class(&self, group: &EmailGroup) -> usize {
        let place = |name: &str| CLASSES.iter().position(|class| *class == name).unwrap_or(0);
        if group.is_hub {
            return place("HUB");
        }
        if group.is_candidate {
            return place("CANDIDATE");
        }
        let held = |profile: &ProfileIx| (&self.holders[profile], self.profiles.get(*profile));
        let (mut is_household, mut is_constrained) = (false, false);
        for (at, a) in group.holders.iter().enumerate() {
            let (mine, a) = held(a);
            for b in &group.holders[at + 1..] {
                let (theirs, b) = held(b);
                if a.tenant != b.tenant {
                    continue;
                }
                let is_born_otherwise = a.born_on.zip(b.born_on).is_some_and(|(a, b)| a != b);
                is_household |= is_born_otherwise || mine.has_other_name(theirs);
                is_constrained |= mine.has_other_number(theirs);
            }
        }
        // A record without a name may have brought the email of somebody else of the same name, to whom its phone did not lead.
        let is_nameless = group.holders.iter().any(|profile| self.holders[profile].names_at_email.firsts.is_empty());
        match (is_household, is_constrained, is_nameless) {
            (true, ..) => place("HOUSEHOLD"),
            (_, true, _) => place("CONSTRAINT"),
            (.., true) => place("NAMELESS"),
            _ => CLASSES.len() - 1,
        }
    }
}
