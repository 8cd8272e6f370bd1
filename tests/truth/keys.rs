//! Pairs that the truth's own keys reach: records of one person with equal values, even if the product cannot read the values.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::Raw;

/// A value of more people than this is a placeholder or belongs to a reception.
const MOST_PEOPLE: usize = 8;

/// Per record: the number of its group. A group are the records of one person within a tenant that equal clean values connect.
pub fn reachable(records: &[&Raw]) -> Vec<u32> {
    let mut parents: Vec<u32> = (0..u32::try_from(records.len()).expect("few records")).collect();
    let mut people_of: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    let state = FixedState::with_seed(7);
    for (at, raw) in (0u32..).zip(records) {
        for key in keys(raw) {
            people_of.entry(state.hash_one(key)).or_default().push(at);
        }
    }
    for mut holders in people_of.into_values() {
        let person = |at: &u32| records[*at as usize].person;
        holders.sort_by_key(person);
        if holders.chunk_by(|a, b| person(a) == person(b)).count() > MOST_PEOPLE {
            continue;
        }
        for of_one in holders.chunk_by(|a, b| person(a) == person(b)) {
            let fits = |a: u32, b: u32| match (&records[a as usize].tenant, &records[b as usize].tenant) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            };
            for (at, &a) in of_one.iter().enumerate() {
                if let Some(&b) = of_one[at + 1..].iter().find(|&&b| fits(a, b)) {
                    let (a, b) = (root(&mut parents, a), root(&mut parents, b));
                    parents[a.max(b) as usize] = a.min(b);
                }
            }
        }
    }
    (0..parents.len()).map(|at| root(&mut parents, u32::try_from(at).expect("few records"))).collect()
}

fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        parents[at as usize] = parents[parents[at as usize] as usize];
        at = parents[at as usize];
    }
    at
}

/// The values of a record that another record of the person may have in the same or another spelling.
fn keys(raw: &Raw) -> Vec<(u8, String)> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let number = |text: &str| {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
        plain.trim_start_matches('0').to_owned()
    };
    let mut keys = Vec::new();
    let email: String = raw.email.to_lowercase().chars().filter(|letter| !letter.is_whitespace()).collect();
    if let Some((local, host)) = email.rsplit_once('@') {
        keys.push((0, format!("{}@{host}", local.split('+').next().unwrap_or_default())));
    }
    let phone = digits(&raw.phone);
    if phone.len() >= 9 {
        keys.push((1, phone[phone.len() - 9..].to_owned()));
    }
    for (kind, text) in [(2, &raw.golf_rsa), (3, &raw.cdh), (4, &raw.mca), (5, &raw.auth)] {
        keys.push((kind, number(text)));
    }
    if raw.source.is_mca() {
        keys.push((4, number(&raw.id)));
    }
    let letters = |text: &str| text.to_lowercase().chars().filter(|letter| letter.is_alphabetic()).collect::<String>();
    let (mut names, born) = ([letters(&raw.first), letters(&raw.last)], digits(&raw.born));
    names.sort();
    if born.len() == 8 && names.iter().all(|name| !name.is_empty()) {
        keys.push((6, format!("{} {} {born}", names[0], names[1])));
    }
    keys.retain(|(_, text)| !text.is_empty());
    keys
}

/// Pairs of one group that lie inside one tenant, or of which one record has none; `groups` and `tenants` by record.
pub fn pairs_inside<K: Ord>(groups: impl Iterator<Item = K>, tenants: &[Option<String>]) -> u64 {
    let mut members: Vec<(K, &Option<String>)> = groups.zip(tenants).collect();
    members.sort();
    let pairs = |count: usize| (count * count.saturating_sub(1) / 2) as u64;
    let of_group = |group: &[(K, &Option<String>)]| {
        let concrete = group.iter().filter(|member| member.1.is_some()).count();
        let inside: u64 =
            group.chunk_by(|a, b| a.1 == b.1).filter(|same| same[0].1.is_some()).map(|same| pairs(same.len())).sum();
        pairs(group.len()) - (pairs(concrete) - inside)
    };
    members.chunk_by(|a, b| a.0 == b.0).map(of_group).sum()
}
