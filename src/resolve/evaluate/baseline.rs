//! Baselines for comparison: the strategy's literal rule (find a profile by the keys of its first record in the order of the
//! strategy's calls, else create one), and the closure over equal emails and phones.

use arrow::array::RecordBatch;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::{LinkRule, RecordIx, Source, profile_id, record_order};
use crate::resolve::cluster::union_find::Forest;
use crate::resolve::output::confidence::ceiling;
use crate::resolve::population::PopulationKey;
use crate::resolve::population::intern::{Interner, NONE, Symbol};
use crate::resolve::population::packed_text::Arena;
use crate::resolve::population::words::Vocabulary;
use crate::tables::resolution::links;
use crate::tables::stage::people;
use crate::tables::{Builder as _, Columns as _};

/// Rows of one batch.
const BATCH: u32 = 16_384;

/// The values of a record that the strategy's code uses.
#[derive(Clone, Copy)]
struct Literal {
    source: Source,
    id: u32,
    tenant: Symbol,
    auth: Symbol,
    golf_rsa: Symbol,
    mca: Symbol,
    email: Symbol,
    phone: Symbol,
    is_kept: bool,
}

/// Collects staged batches, in any order, for the literal rule.
#[derive(Default)]
pub struct LiteralRule {
    ids: Arena,
    tenants: Vocabulary,
    texts: Interner,
    records: Vec<Literal>,
}

/// The result of the strategy's rule.
pub struct LiteralLinks {
    ids: Arena,
    tenants: Vocabulary,
    records: Vec<Literal>,
    /// The first record of each record's profile; the record itself if it is the first.
    pub founders: Vec<RecordIx>,
    /// The rule that found the profile.
    pub rules: Vec<LinkRule>,
}

impl LiteralRule {
    /// Adds a batch of a source's person records.
    pub fn people(&mut self, source: Source, batch: &people::Columns) {
        for row in 0..batch.len() {
            let id = self.ids.push(batch.source_id(row));
            let mut text = |value: Option<&str>| value.map_or(NONE, |value| self.texts.intern(value));
            self.records.push(Literal {
                source,
                id,
                tenant: batch.tenant_id(row).map_or(NONE, |tenant| self.tenants.intern(tenant)),
                auth: text(batch.auth_user_id(row)),
                golf_rsa: text(batch.golf_rsa_id(row)),
                mca: text(batch.mca_id(row)),
                email: text(batch.email(row)),
                phone: text(batch.phone(row)),
                is_kept: batch.deleted_at(row).is_none() && batch.may_found(row),
            });
        }
    }

    /// Applies the rule in record order: phase 1 matches emails and phones across tenants, later phases within their tenant.
    pub fn finish(mut self) -> LiteralLinks {
        let ids = &self.ids;
        let key = |of: &Literal| PopulationKey { source: of.source, id: ids.get(of.id) };
        self.records.sort_by(|a, b| record_order(key(a).get(), key(b).get()));
        let mut found: HashMap<(LinkRule, Symbol, Symbol), RecordIx, FixedState> = HashMap::with_hasher(FixedState::with_seed(7));
        let mut founders = Vec::with_capacity(self.records.len());
        let mut rules = Vec::with_capacity(self.records.len());
        for (record, of) in (0..).map(RecordIx).zip(&self.records) {
            if !of.is_kept {
                founders.push(record);
                rules.push(LinkRule::Skipped);
                continue;
            }
            let asked = asked(of);
            let tenants: &[Symbol] = if of.source.is_mca() { &[NONE] } else { &[of.tenant] };
            let hit = asked.iter().filter(|(_, symbol)| *symbol != NONE).find_map(|&(rule, symbol)| {
                tenants.iter().find_map(|&tenant| Some((*found.get(&(rule, tenant, symbol))?, rule)))
            });
            let (founder, rule) = hit.unwrap_or((record, LinkRule::Founder));
            founders.push(founder);
            rules.push(rule);
            // A new profile gets all keys of its record, an existing one only gains external ids.
            let held = asked.into_iter().chain([(LinkRule::GolfRsaId, of.golf_rsa)]);
            for (rule, symbol) in held.filter(|(_, symbol)| *symbol != NONE) {
                if founder == record || matches!(rule, LinkRule::GolfRsaId | LinkRule::McaId) {
                    found.entry((rule, of.tenant, symbol)).or_insert(founder);
                    if of.source.is_mca() {
                        found.entry((rule, NONE, symbol)).or_insert(founder);
                    }
                }
            }
        }
        LiteralLinks { ids: self.ids, tenants: self.tenants, records: self.records, founders, rules }
    }

    /// The transitive closure over equal emails and phones.
    pub fn closure(&self) -> Vec<RecordIx> {
        let ids = &self.ids;
        let key = |of: &Literal| PopulationKey { source: of.source, id: ids.get(of.id) };
        let mut records = self.records.clone();
        records.sort_by(|a, b| record_order(key(a).get(), key(b).get()));
        let mut forest = Forest::new(u32::try_from(records.len()).expect("records are counted in 32 bits"));
        let mut first: HashMap<(bool, Symbol, Symbol), u32, FixedState> = HashMap::with_hasher(FixedState::with_seed(8));
        for (record, of) in (0..).zip(&records) {
            for (is_email, symbol) in [(true, of.email), (false, of.phone)] {
                if symbol != NONE {
                    forest.join(record, *first.entry((is_email, of.tenant, symbol)).or_insert(record));
                }
            }
        }
        forest.into_labels().into_iter().map(RecordIx).collect()
    }
}

/// The keys that each phase passes, in the order of the look-ups.
fn asked(of: &Literal) -> [(LinkRule, Symbol); 5] {
    let auth = (LinkRule::AuthUserId, if of.source == Source::Teetime { NONE } else { of.auth });
    let external = of.source == Source::Teetime;
    [
        auth,
        (LinkRule::GolfRsaId, if external { of.golf_rsa } else { NONE }),
        (LinkRule::McaId, if external { of.mca } else { NONE }),
        (LinkRule::Email, of.email),
        (LinkRule::Phone, if of.source == Source::Scl { NONE } else { of.phone }),
    ]
}

impl LiteralLinks {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// A record's key.
    pub fn key(&self, record: RecordIx) -> PopulationKey<'_> {
        let of = &self.records[record.index()];
        PopulationKey { source: of.source, id: self.ids.get(of.id) }
    }

    /// `res__links` of the literal rule, in record order; the default tenant where none is known.
    pub fn rows<'a>(&'a self, default_tenant: &'a str) -> impl Iterator<Item = RecordBatch> + 'a {
        let count = u32::try_from(self.records.len()).expect("records are counted in 32 bits");
        (0..count).step_by(BATCH as usize).map(move |start| {
            let mut builder = links::Builder::new(BATCH as usize);
            for record in RecordIx::range(start..count.min(start + BATCH)) {
                let rule = self.rules[record.index()];
                let key = self.key(record);
                let founder = self.founders[record.index()];
                let profile = (rule != LinkRule::Skipped).then(|| profile_id(self.key(founder).get(), 1).to_string());
                let parent = (founder != record).then(|| self.key(founder));
                builder.push(links::Row {
                    source: key.source,
                    entity: key.source.people(),
                    source_id: &key.id,
                    tenant_id: profile.as_ref().map(|_| self.tenant(founder).unwrap_or(default_tenant)),
                    profile_id: profile.as_deref(),
                    rule,
                    confidence: if rule == LinkRule::Skipped { 0 } else { ceiling(rule) },
                    matched_source: parent.as_ref().map(|parent| parent.source),
                    matched_source_id: parent.as_ref().map(|parent| &*parent.id),
                    evidence: "the strategy's literal rule",
                    bits16: 0,
                });
            }
            builder.finish()
        })
    }

    /// A record's tenant.
    fn tenant(&self, record: RecordIx) -> Option<&str> {
        Some(self.records[record.index()].tenant).filter(|&tenant| tenant != NONE).map(|tenant| self.tenants.get(tenant))
    }
}
