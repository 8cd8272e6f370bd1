//! Who is one person: keys, evidence, clusters that nothing forbids, founders and ids that stay.

pub mod accuracy;
mod ahead;
mod arena;
pub mod audit;
mod bar;
mod births;
mod candidates;
mod cluster;
mod confidence;
mod decisions;
mod decisions_file;
mod evidence;
pub mod explain;
mod forest;
mod gathering;
mod household;
mod intern;
mod mailbox;
mod names;
mod owners;
mod placing;
mod population;
mod profiles;
mod refusal;
mod review;
mod rows;
mod sheet;
mod strategy;
mod tree;
mod vocabulary;
mod weights;

pub use decisions::{Decision, DecisionKind, DecisionState, Origin};
pub use decisions_file::{add_decisions, read_decisions};
pub use gathering::Gathering;
pub use names::Nicknames;
pub use population::Key;
pub use population::{Population, Record};
pub use profiles::ProfileChange;
pub use refusal::Refusal;
pub use rows::Summary;
pub use strategy::{LiteralLinks, LiteralRule};
pub use weights::Piece;

use rayon::prelude::*;

use evidence::Scorer;
use intern::Buckets;
use owners::{Hub, Ownership};
use population::KeyKind;

/// Whether tenants divide people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nobody is linked across tenants.
    Tenant,
    /// Keys match across tenants.
    Global,
}

/// What the configuration decides about identity.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether tenants divide people.
    pub scope: Scope,
    /// Whether tenant-less records may join a tenant's cluster; otherwise they live in the default tenant.
    pub adopt_tenantless: bool,
    /// Tenant of people whom nothing places.
    pub default_tenant: String,
    /// Tenant of MCA South Africa.
    pub mca_za_tenant: String,
    /// Tenant of MCA United Kingdom.
    pub mca_uk_tenant: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scope: Scope::Tenant,
            adopt_tenantless: true,
            default_tenant: "default".to_owned(),
            mca_za_tenant: "1".to_owned(),
            mca_uk_tenant: "2".to_owned(),
        }
    }
}

/// What earlier loads and people contribute.
#[derive(Clone, Copy, Default)]
pub struct Memory<'a> {
    /// Decisions of people, the file's first, then the CRM's rejected pairs.
    pub decisions: &'a [Decision],
    /// `(source:entity:id, profile id)` of earlier loads.
    pub profile_ids: &'a [(String, String)],
}

/// The people, and all that is to be known about how they were found.
pub struct Resolution {
    /// The records.
    pub population: Population,
    options: Options,
    ownership: [Ownership; 6],
    buckets: household::ContactBuckets,
    contacts: Vec<household::PackedContacts>,
    /// Smallest record of each record's cluster.
    labels: Vec<Record>,
    tree: tree::Tree,
    profiles: profiles::Profiles,
    review: Vec<review::Candidate>,
    hubs: Vec<Hub>,
    decisions: Vec<(Decision, DecisionState)>,
    refused_strong: usize,
    /// What a nameless record's disputed place needed, in sixteenths of a bit.
    bar16: i32,
}

/// Resolves a population.
pub fn resolve(population: Population, memory: Memory<'_>, options: Options) -> Resolution {
    let buckets = each_kind(|kind| Buckets::group(population.symbols(kind), || population.pairs(kind)));
    let ownership = KeyKind::ALL.map(|kind| Ownership::count(&population, &buckets[kind as usize], options.scope));
    let hubs = KeyKind::ALL
        .into_iter()
        .flat_map(|kind| owners::hubs(&population, kind, &buckets[kind as usize], &ownership[kind as usize], options.scope))
        .collect();
    let [auth, golf_rsa, cdh, mca, email, phone] = buckets;
    let buckets = household::ContactBuckets([email, phone]);
    let contacts = household::contacts(&population, &buckets, &ownership, options.scope);
    let scorer =
        Scorer { population: &population, ownership: &ownership, buckets: &buckets, contacts: &contacts, scope: options.scope };
    let mut edges = candidates::edges(&scorer, [auth, golf_rsa, cdh, mca]);
    let clusters = cluster::cluster(&scorer, &mut edges);
    let bar16 = clusters.bar16;
    let decided = decisions::apply(&scorer, &mut edges, clusters, memory.decisions);
    let tree = tree::Tree::grow(&population, &mut edges, &decided.labels);
    let profiles = profiles::Profiles::name(&population, &decided.labels, &tree, memory.profile_ids, &options);
    let review = review::candidates(&scorer, &edges, &decided, &profiles, &tree);
    let refused_strong = decided.refused.iter().filter(|refused| refused.edge.rule().is_some_and(evidence::is_strong)).count();
    Resolution {
        options,
        ownership,
        buckets,
        contacts,
        labels: decided.labels,
        tree,
        profiles,
        review,
        hubs,
        decisions: decided.states,
        refused_strong,
        bar16,
        population,
    }
}

/// One of something for each kind of key, made side by side; those with the most values first, so that no thread waits long.
fn each_kind<T: Send>(make: impl Fn(KeyKind) -> T + Sync) -> [T; 6] {
    let mut made: Vec<T> = KeyKind::ALL.par_iter().rev().with_max_len(1).map(|&kind| make(kind)).collect();
    made.reverse();
    made.try_into().unwrap_or_else(|_| unreachable!("one for each kind"))
}

impl Resolution {
    fn scorer(&self) -> Scorer<'_> {
        Scorer {
            population: &self.population,
            ownership: &self.ownership,
            buckets: &self.buckets,
            contacts: &self.contacts,
            scope: self.options.scope,
        }
    }
}
