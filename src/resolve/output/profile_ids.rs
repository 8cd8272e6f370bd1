//! Profile ids: derived from the seed record, unless the cluster keeps the id of an earlier load.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use rayon::prelude::*;

use crate::model::{RecordIx, RecordKey, Uuid, profile_id};
use crate::resolve::cluster::spanning_tree::Tree;
use crate::resolve::options::ResolveOptions;
use crate::resolve::population::Population;

/// The change of a profile of an earlier load whose records are not the same any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChange {
    /// The id in the CRM.
    pub old: String,
    /// The profiles that hold its records now.
    pub new: Vec<String>,
    /// `MERGED`, `SPLIT`, `MERGED_AND_SPLIT` or `VANISHED`.
    pub change: &'static str,
}

/// The profile ids of a resolution.
pub struct NamedProfiles {
    kept: HashMap<RecordIx, String, FixedState>,
    attempts: HashMap<RecordIx, u32, FixedState>,
    /// The tenants of clusters whose first record has none.
    tenants: HashMap<RecordIx, u16, FixedState>,
    default_tenant: String,
    /// The only tenants with profiles, if it is not empty.
    pilot: Vec<String>,
    /// Changes against earlier loads.
    pub changes: Vec<ProfileChange>,
}

impl NamedProfiles {
    /// Gives an id to every cluster that has a seed record.
    pub fn name(
        population: &Population,
        labels: &[RecordIx],
        tree: &Tree,
        loaded: &[(String, String)],
        options: &ResolveOptions,
    ) -> Self {
        let mut tenants = HashMap::with_hasher(FixedState::with_seed(10));
        let placed = population.rows.par_iter().zip(labels).with_min_len(4096).filter(|(row, _)| row.tenant != 0);
        let needed = placed.filter(|&(_, &label)| population.at(label).tenant == 0);
        let needed: Vec<(RecordIx, u16)> = needed.map(|(row, &label)| (label, row.tenant)).collect();
        // In record order the first tenant is used; with `scope = "global"` there may be several.
        for (label, tenant) in needed {
            tenants.entry(label).or_insert(tenant);
        }
        let mut profiles = Self {
            kept: HashMap::with_hasher(FixedState::with_seed(1)),
            attempts: HashMap::with_hasher(FixedState::with_seed(2)),
            tenants,
            default_tenant: options.default_tenant.clone(),
            pilot: options.pilot.clone(),
            changes: Vec::new(),
        };
        if !loaded.is_empty() {
            let memory = LoadedIds::new(population, loaded);
            profiles.keep(population, labels, tree, &memory);
            profiles.avoid_taken_ids(population, labels, tree);
            profiles.changes = profiles.compare(population, labels, tree, &memory);
        }
        profiles
    }

    /// The profile id of a cluster, given its label and seed record.
    pub fn id(&self, population: &Population, label: RecordIx, founder: RecordIx) -> String {
        let mut id = String::new();
        self.push_id(label, population.key(founder).get(), &mut id);
        id
    }

    /// Appends the profile id of a cluster, given its label and the key of its seed record.
    pub fn push_id(&self, label: RecordIx, founder: RecordKey<'_>, id: &mut String) {
        match self.kept.get(&label) {
            Some(kept) => id.push_str(kept),
            None => {
                let derived = profile_id(founder, self.attempts.get(&label).copied().unwrap_or(1));
                id.push_str(derived.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
            }
        }
    }

    /// The tenant of a cluster.
    pub fn tenant<'a>(&'a self, population: &'a Population, label: RecordIx) -> &'a str {
        let own = population.at(label).tenant;
        let tenant = if own == 0 { self.tenants.get(&label).copied().unwrap_or(0) } else { own };
        population.tenant_text(tenant).unwrap_or(&self.default_tenant)
    }

    /// Whether a cluster belongs to a tenant that the pilot leaves out.
    pub fn is_left_out(&self, population: &Population, label: RecordIx) -> bool {
        !self.pilot.is_empty() && !self.pilot.iter().any(|tenant| tenant == self.tenant(population, label))
    }

    /// A cluster keeps the loaded id of its seed record, else of its first member that has one. If several clusters could keep an
    /// id, the one with the record that the id was derived from keeps it, else the one with the first of the id's old records in
    /// record order. If the record that the id was derived from is now part of another profile, the id is not kept, because a
    /// fresh load of the same exports would give it to that profile.
    fn keep(&mut self, population: &Population, labels: &[RecordIx], tree: &Tree, memory: &LoadedIds<'_>) {
        let mut claims: HashMap<RecordIx, &str, FixedState> = HashMap::with_hasher(FixedState::with_seed(3));
        for &(record, id) in &memory.by_record {
            let label = labels[record.index()];
            let Some(founder) = tree.founder(population, label) else { continue };
            if record == founder {
                claims.insert(label, id);
            } else {
                claims.entry(label).or_insert(id);
            }
        }
        for (id, members) in &memory.by_id {
            let giver = members.iter().copied().find(|&record| profile_id(population.key(record).get(), 1).to_string() == **id);
            let claimant = match giver {
                Some(giver) => Some(labels[giver.index()]).filter(|label| claims.get(label) == Some(id)),
                None => members.iter().map(|&record| labels[record.index()]).find(|label| claims.get(label) == Some(id)),
            };
            if let Some(label) = claimant {
                self.kept.insert(label, (*id).to_owned());
            }
        }
    }

    /// Derives the id again, as `#2`, `#3`, …, where another cluster has kept the id that a seed record would give.
    fn avoid_taken_ids(&mut self, population: &Population, labels: &[RecordIx], tree: &Tree) {
        let mut taken: std::collections::BTreeSet<String> = self.kept.values().cloned().collect();
        for label in population.records() {
            let Some(founder) = tree.founder(population, label).filter(|_| labels[label.index()] == label) else { continue };
            if self.kept.contains_key(&label) {
                continue;
            }
            let mut attempt = 1;
            while taken.contains(&profile_id(population.key(founder).get(), attempt).to_string()) {
                attempt += 1;
            }
            if attempt > 1 {
                self.attempts.insert(label, attempt);
                taken.insert(profile_id(population.key(founder).get(), attempt).to_string());
            }
        }
    }

    fn compare(&self, population: &Population, labels: &[RecordIx], tree: &Tree, memory: &LoadedIds<'_>) -> Vec<ProfileChange> {
        let mut olds_of: HashMap<RecordIx, u32, FixedState> = HashMap::with_hasher(FixedState::with_seed(4));
        let mut now: Vec<(&str, Vec<RecordIx>)> = Vec::new();
        for (id, members) in &memory.by_id {
            let mut holders: Vec<RecordIx> = members.iter().map(|&record| labels[record.index()]).collect();
            holders.retain(|&label| tree.founder(population, label).is_some());
            holders.sort_unstable();
            holders.dedup();
            holders.iter().for_each(|&label| *olds_of.entry(label).or_default() += 1);
            now.push((id, holders));
        }
        let mut changes: Vec<ProfileChange> = now
            .into_iter()
            .filter_map(|(old, holders)| {
                let new: Vec<String> = holders
                    .iter()
                    .filter_map(|&label| Some(self.id(population, label, tree.founder(population, label)?)))
                    .collect();
                let merged = holders.iter().any(|label| olds_of.get(label).is_some_and(|&count| count > 1));
                let change = match (new.len(), merged) {
                    (0, _) => "VANISHED",
                    (1, _) if new[0] == old => return None,
                    (1, _) => "MERGED",
                    (_, false) => "SPLIT",
                    (_, true) => "MERGED_AND_SPLIT",
                };
                Some(ProfileChange { old: old.to_owned(), new, change })
            })
            .collect();
        changes.sort_by(|a, b| a.old.cmp(&b.old));
        changes
    }
}

/// The profile ids of earlier loads, by record and by profile.
struct LoadedIds<'a> {
    by_record: Vec<(RecordIx, &'a str)>,
    /// Ids in text order with those of their records that are still exported, in record order.
    by_id: Vec<(&'a str, Vec<RecordIx>)>,
}

impl<'a> LoadedIds<'a> {
    fn new(population: &Population, loaded: &'a [(String, String)]) -> Self {
        let mut by_id: Vec<(&str, Option<RecordIx>)> = loaded
            .iter()
            .map(|(key, id)| {
                let record = RecordKey::parse(key).and_then(|key| population.find(key));
                (id.as_str(), record.filter(|&record| !population.is_deleted(record)))
            })
            .collect();
        by_id.sort_unstable();
        let mut by_record: Vec<(RecordIx, &str)> = by_id.iter().filter_map(|&(id, record)| Some((record?, id))).collect();
        by_record.sort_unstable();
        by_record.dedup_by_key(|entry| entry.0);
        let by_id = by_id
            .chunk_by(|a, b| a.0 == b.0)
            .map(|members| (members[0].0, members.iter().filter_map(|member| member.1).collect()))
            .collect();
        Self { by_record, by_id }
    }
}
