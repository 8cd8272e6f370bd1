//! Key frequency: how many people use a value. A value that too many people share is a hub, which does not link by itself.

use rayon::prelude::*;
use smallvec::SmallVec;

/// Up to this many records of a value are compared with each other; larger groups only with a few of them.
pub(in crate::resolve) const STAR_LIMIT: usize = 14;

use crate::model::{RecordIx, Source};
use crate::resolve::compare::birth_date::births_conflict;
use crate::resolve::options::Scope;
use crate::resolve::population::intern::{Buckets, NONE, Symbol};
use crate::resolve::population::prefetch::{ABREAST, look};
use crate::resolve::population::{KeyKind, Population};

/// Values that more people use are hubs.
pub const OWNER_LIMIT: usize = 4;
/// Values with more records without a name than this, and four times as many as named ones, are hubs.
const NAMELESS_LIMIT: usize = 12;

/// Number of people that use a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// 1 to 4 people; a value without any named record counts as one.
    Few(u8),
    /// More than four named people.
    Many,
    /// Many records without a name.
    ManyNameless,
}

impl Owners {
    /// Whether the value is a hub, which does not link by itself.
    pub fn is_hub(self) -> bool {
        !matches!(self, Self::Few(_))
    }

    fn code(self) -> u8 {
        match self {
            Self::Few(count) => count,
            Self::Many => 5,
            Self::ManyNameless => 6,
        }
    }

    fn of_code(code: u8) -> Self {
        match code {
            5 => Self::Many,
            6 => Self::ManyNameless,
            count => Self::Few(count),
        }
    }
}

/// Marks, in place of a code, that several tenants use the value.
const PER_TENANT: u8 = 0x40;
/// Marks, in addition to a code, that the value has too many records to compare all of them with each other.
const LARGE: u8 = 0x80;

/// Symbols per entry of the index.
const STRETCH: usize = 64;

/// A value, a tenant, and the code for the people who use the value there.
type OfTenant = (Symbol, u16, u8);

/// Number of people that use each value of one kind.
pub struct Ownership {
    codes: Vec<u8>,
    /// Values that several tenants use: symbol, tenant, code; sorted.
    per_tenant: Vec<OfTenant>,
    /// Index into it: where each [`STRETCH`] of symbols begins.
    stretches: Vec<u32>,
}

impl Ownership {
    /// Counts the people who use each value that more than one record has.
    pub fn count(population: &Population, buckets: &Buckets, scope: Scope) -> Self {
        let code = |symbol| {
            let bucket = buckets.get(symbol);
            if symbol == NONE || bucket.len() < 2 {
                return 1;
            }
            let code = match tenants_of(population, bucket, scope) {
                TenantGroups::One(_) => owners(population, bucket).code(),
                TenantGroups::Several(_) => PER_TENANT,
            };
            code | if bucket.len() > STAR_LIMIT { LARGE } else { 0 }
        };
        let mut codes = vec![1; buckets.symbols() as usize];
        codes.par_chunks_mut(ABREAST).with_min_len(64).enumerate().for_each(|(group, codes)| {
            let symbols = (group * ABREAST..group * ABREAST + codes.len()).map(|symbol| Symbol(symbol as u32));
            let shared = symbols.clone().map(|symbol| buckets.get(symbol)).filter(|bucket| bucket.len() > 1);
            look(shared.flatten().map(|&record| population.peek(record)));
            symbols.zip(codes).for_each(|(symbol, slot)| *slot = code(symbol));
        });
        let symbols = (0..buckets.symbols()).into_par_iter().with_min_len(1024).map(Symbol);
        let shared = symbols.filter(|&symbol| codes[symbol.index()] & PER_TENANT != 0);
        let of_tenants = shared.flat_map_iter(|symbol| {
            match tenants_of(population, buckets.get(symbol), scope) {
                TenantGroups::One(_) => Vec::new(),
                TenantGroups::Several(groups) => groups,
            }
            .into_iter()
            .map(move |(tenant, group)| (symbol, tenant, owners(population, &group).code()))
        });
        let per_tenant: Vec<OfTenant> = of_tenants.collect();
        let begin = |symbol: usize| per_tenant.partition_point(|entry| entry.0.index() < symbol);
        let stretches = (0..codes.len() + STRETCH).step_by(STRETCH);
        let stretches = stretches.map(|symbol| u32::try_from(begin(symbol)).expect("symbols are 32-bit")).collect();
        Self { codes, per_tenant, stretches }
    }

    /// A value near the symbol's entry, for [`look`].
    pub fn peek(&self, symbol: Symbol) -> u32 {
        self.codes[symbol.index()].into()
    }

    /// Whether a value is used in at most one tenant, by few records and people, so that all its records are compared with each
    /// other.
    pub fn is_plain(&self, symbol: Symbol) -> bool {
        usize::from(self.codes[symbol.index()]) <= OWNER_LIMIT
    }

    /// Number of people that use a value in a tenant.
    #[inline]
    pub fn of(&self, symbol: Symbol, tenant: u16) -> Owners {
        match self.codes[symbol.index()] & !LARGE {
            PER_TENANT => {
                let mut of_value = self.of_tenants(symbol);
                let found = of_value.clone().find(|entry| entry.1 == tenant).or_else(|| of_value.next());
                Owners::of_code(found.expect("the tenants of a value are recorded").2)
            }
            code => Owners::of_code(code),
        }
    }

    /// The entries of a value that several tenants use.
    fn of_tenants(&self, symbol: Symbol) -> impl Iterator<Item = &OfTenant> + Clone {
        let stretch = symbol.index() / STRETCH;
        let near = &self.per_tenant[self.stretches[stretch] as usize..self.stretches[stretch + 1] as usize];
        near.iter().filter(move |entry| entry.0 == symbol)
    }

    /// Whether a value is a hub in any tenant.
    fn is_hub_anywhere(&self, symbol: Symbol) -> bool {
        match self.codes[symbol.index()] & !LARGE {
            PER_TENANT => self.of_tenants(symbol).any(|entry| Owners::of_code(entry.2).is_hub()),
            code => Owners::of_code(code).is_hub(),
        }
    }
}

/// The records of a value by tenant.
pub enum TenantGroups {
    /// All records belong to this tenant or to none, or values match across tenants.
    One(u16),
    /// The records of each tenant; records without a tenant are in each list.
    Several(Vec<(u16, Vec<RecordIx>)>),
}

/// Divides the records of a value by tenant.
pub fn tenants_of(population: &Population, bucket: &[RecordIx], scope: Scope) -> TenantGroups {
    let tenant = |record: RecordIx| population.at(record).tenant;
    let first = bucket.iter().map(|&record| tenant(record)).find(|&tenant| tenant != 0).unwrap_or(0);
    if scope == Scope::Global || bucket.iter().all(|&record| tenant(record) == 0 || tenant(record) == first) {
        return TenantGroups::One(first);
    }
    let mut tenants: Vec<u16> = bucket.iter().map(|&record| tenant(record)).filter(|&tenant| tenant != 0).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let of = |wanted: u16| bucket.iter().copied().filter(|&record| tenant(record) == 0 || tenant(record) == wanted).collect();
    TenantGroups::Several(tenants.into_iter().map(|tenant| (tenant, of(tenant))).collect())
}

/// Counts the people of named records: greedy groups, in sorted order, with compatible first names and no conflict of birth dates.
pub fn owners(population: &Population, group: &[RecordIx]) -> Owners {
    let leaders = leaders(population, group);
    if leaders.len() > OWNER_LIMIT {
        return Owners::Many;
    }
    let nameless = group.iter().filter(|&&record| population.is_nameless(record)).count();
    if nameless > NAMELESS_LIMIT && nameless > 4 * (group.len() - nameless) {
        return Owners::ManyNameless;
    }
    let seen = leaders.len().max(nameless_people(population, group)).clamp(1, OWNER_LIMIT);
    Owners::Few(u8::try_from(seen).expect("at most four"))
}

/// One record of each person, up to one more than the limit.
pub(in crate::resolve) fn leaders(population: &Population, group: &[RecordIx]) -> Leaders {
    let mut leaders = Leaders::new();
    for person in named_people(population, group) {
        if !leaders.iter().any(|leader| same_owner(population, leader, &person)) {
            leaders.push(person);
            if leaders.len() > OWNER_LIMIT {
                break;
            }
        }
    }
    leaders
}

/// Whether two named people may be one person.
pub(super) fn same_owner(population: &Population, a: &Person, b: &Person) -> bool {
    population.names.compare_full((a.0, a.1), (b.0, b.1)).agrees() && !births_conflict(a.2, b.2)
}

/// Counts people among records without a name: a source lists a person once, so its records with one email and different phones are
/// different people.
fn nameless_people(population: &Population, group: &[RecordIx]) -> usize {
    let mut most = 0;
    let mut seen: SmallVec<[(Source, Symbol); OWNER_LIMIT + 1]> = SmallVec::new();
    for &record in group.iter().filter(|&&record| population.is_nameless(record)) {
        let number = population.value(KeyKind::Phone, record);
        let entry = (population.source(record), number);
        if number != NONE && !seen.contains(&entry) && seen.len() <= OWNER_LIMIT {
            seen.push(entry);
            most = most.max(seen.iter().filter(|(source, _)| *source == entry.0).count());
        }
    }
    most
}

/// One record of each person.
pub(in crate::resolve) type Leaders = SmallVec<[Person; OWNER_LIMIT + 1]>;

/// Given name, family name, birth date.
pub(in crate::resolve) type Person = (Symbol, Symbol, u32);

/// The name and birth date of a record.
pub(in crate::resolve) fn person_of(population: &Population, record: RecordIx) -> Person {
    population.at(record).person()
}

/// The distinct names and birth dates of a group, without bare initials, sorted as texts.
fn named_people(population: &Population, group: &[RecordIx]) -> SmallVec<[Person; 8]> {
    let mut people: SmallVec<[Person; 8]> = group
        .iter()
        .map(|&record| person_of(population, record))
        .filter(|person| population.names.is_spelled(person.0))
        .collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// A value that too many people share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// The kind of value.
    pub kind: KeyKind,
    /// The tenant in which it is shared; 0 if none is known.
    pub tenant: u16,
    /// The value.
    pub symbol: Symbol,
    /// Records that carry it.
    pub records: u32,
    /// Number of people that use it.
    pub owners: Owners,
}

/// Every hub of a kind.
pub fn hubs(population: &Population, kind: KeyKind, buckets: &Buckets, ownership: &Ownership, scope: Scope) -> Vec<Hub> {
    (0..buckets.symbols())
        .into_par_iter()
        .with_min_len(1024)
        .map(Symbol)
        .filter(|&symbol| ownership.is_hub_anywhere(symbol))
        .flat_map_iter(|symbol| {
            let bucket = buckets.get(symbol);
            let groups = match tenants_of(population, bucket, scope) {
                TenantGroups::One(tenant) => vec![(tenant, bucket.len())],
                TenantGroups::Several(groups) => groups.into_iter().map(|(tenant, group)| (tenant, group.len())).collect(),
            };
            groups.into_iter().filter_map(move |(tenant, count)| {
                let owners = ownership.of(symbol, tenant);
                let records = u32::try_from(count).expect("records are counted in 32 bits");
                owners.is_hub().then_some(Hub { kind, tenant, symbol, records, owners })
            })
        })
        .collect()
}
