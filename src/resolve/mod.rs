//! Identity resolution: blocking, comparison, clustering under constraints, manual decisions, stable profile ids.

mod blocking;
mod cluster;
mod compare;
mod decisions;
pub mod evaluate;
mod options;
mod output;
mod population;

pub use cluster::constraints::ConstraintViolation;
pub use compare::nicknames::Nicknames;
pub use compare::weight::Weight;
pub use compare::weights::{ComparisonLevel, LINK};
pub use decisions::file::{add_decisions, read_decisions};
pub use decisions::{Decision, DecisionKind, DecisionOrigin, DecisionState};
pub use evaluate::baseline::{LiteralLinks, LiteralRule};
pub use options::{ResolveOptions, Scope};
pub use output::explain;
pub use output::links::ResolveSummary;
pub use output::profile_ids::ProfileChange;
pub use population::load::Gathering;
pub use population::{Population, PopulationKey};

use rayon::prelude::*;

use crate::model::RecordIx;

use cluster::spanning_tree;
use compare::contact_counts;
use compare::key_frequency::{self, Hub, Ownership};
use compare::score::{self, Scorer};
use output::{profile_ids, review_queue};
use population::KeyKind;
use population::intern::Buckets;

/// Input from earlier loads and manual decisions.
#[derive(Clone, Copy, Default)]
pub struct Memory<'a> {
    /// Manual decisions: first those of the file, then merges and rejected pairs of the CRM.
    pub decisions: &'a [Decision],
    /// `(source:entity:id, profile id)` of earlier loads.
    pub profile_ids: &'a [(String, String)],
    /// Keys of records whose profile was deleted in the CRM or merged into a foreign one. They are not linked to any existing
    /// profile.
    pub withheld: &'a [String],
}

/// The resolved population, with everything that explains the result.
pub struct Resolution {
    /// The records.
    pub population: Population,
    options: ResolveOptions,
    ownership: [Ownership; 6],
    buckets: contact_counts::ContactBuckets,
    contacts: Vec<contact_counts::PackedContacts>,
    /// Smallest record of each record's cluster.
    labels: Vec<RecordIx>,
    tree: spanning_tree::Tree,
    profiles: profile_ids::NamedProfiles,
    review: Vec<review_queue::Candidate>,
    hubs: Vec<Hub>,
    decisions: Vec<(Decision, DecisionState)>,
    refused_strong: usize,
    /// Match threshold for contested records without a name.
    bar: Weight,
}

/// Resolves a population.
pub fn resolve(population: Population, memory: Memory<'_>, options: ResolveOptions) -> Resolution {
    let buckets = each_kind(|kind| Buckets::group(population.symbols(kind), || population.pairs(kind)));
    let ownership = KeyKind::ALL.map(|kind| Ownership::count(&population, &buckets[kind as usize], options.scope));
    let hubs = KeyKind::ALL
        .into_iter()
        .flat_map(|kind| {
            key_frequency::hubs(&population, kind, &buckets[kind as usize], &ownership[kind as usize], options.scope)
        })
        .collect();
    let [auth, golf_rsa, cdh, mca, email, phone] = buckets;
    let buckets = contact_counts::ContactBuckets([email, phone]);
    let contacts = contact_counts::contacts(&population, &buckets, &ownership, options.scope);
    let scorer =
        Scorer { population: &population, ownership: &ownership, buckets: &buckets, contacts: &contacts, scope: options.scope };
    let mut edges = blocking::edges(&scorer, [auth, golf_rsa, cdh, mca]);
    let clusters = cluster::cluster(&scorer, &mut edges);
    let bar = clusters.bar;
    let decided = decisions::apply(&scorer, &mut edges, clusters, memory);
    let tree = spanning_tree::Tree::grow(&population, &mut edges, &decided.labels);
    let profiles = profile_ids::NamedProfiles::name(&population, &decided.labels, &tree, memory.profile_ids, &options);
    let review = review_queue::candidates(&scorer, &edges, &decided, &profiles, &tree);
    let refused_strong = decided.refused.iter().filter(|refused| refused.edge.rule().is_some_and(score::is_strong)).count();
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
        bar,
        population,
    }
}

/// Computes something for each kind of key in parallel, starting with the kinds that have the most values.
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
