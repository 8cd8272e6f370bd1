//! How many people use a value, and which values are shared by so many that they prove nothing (hubs).

use rayon::prelude::*;
use smallvec::SmallVec;

/// Values of up to this many records are compared each with each; larger groups only with a few of them.
pub(in crate::resolve) const STAR_LIMIT: usize = 14;

use crate::model::{RecordIx, Source};
use crate::resolve::compare::birth_date::births_conflict;
use crate::resolve::options::Scope;
use crate::resolve::population::intern::{Buckets, NONE, Symbol};
use crate::resolve::population::prefetch::{ABREAST, look};
use crate::resolve::population::{KeyKind, Population};

/// More owners than this make a hub.
pub const OWNER_LIMIT: usize = 4;
/// More nameless records than this, and four times as many as named ones, make a hub.
const NAMELESS_LIMIT: usize = 12;

/// How many people a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// So many people, 1 to 4; a value without any named record counts as one.
    Few(u8),
    /// More than four named people.
    Many,
    /// Many records that name nobody.
    ManyNameless,
}

impl Owners {
    /// Whether the value proves nothing by itself.
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

/// Instead of a code: several tenants use the value.
const PER_TENANT: u8 = 0x40;
/// Beside a code: so many records carry the value that they are not all compared with one another.
const LARGE: u8 = 0x80;

/// So many symbols are found in one look.
const STRETCH: usize = 64;

/// A value, a tenant, and the code of its owners there.
type OfTenant = (Symbol, u16, u8);

/// The owners of every value of one kind.
pub struct Ownership {
    codes: Vec<u8>,
    /// Values that several tenants use: symbol, tenant, code; sorted.
    per_tenant: Vec<OfTenant>,
    /// Where those of each [`STRETCH`] of symbols begin in it.
    stretches: Vec<u32>,
}

impl Ownership {
    /// Counts the owners of every value that more than one record carries.
    pub fn count(population: &Population, buckets: &Buckets, scope: Scope) -> Self {
        let code = |symbol| {
            let bucket = buckets.get(symbol);
            if symbol == NONE || bucket.len() < 2 {
                return 1;
            }
            let code = match tenants_of(population, bucket, scope) {
                Tenants::One(_) => owners(population, bucket).code(),
                Tenants::Several(_) => PER_TENANT,
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
                Tenants::One(_) => Vec::new(),
                Tenants::Several(groups) => groups,
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

    /// Something of a symbol's place, for [`look`].
    pub fn peek(&self, symbol: Symbol) -> u32 {
        self.codes[symbol.index()].into()
    }

    /// Whether one tenant at most uses a value, and few records and people do, so that all its records are compared with one another.
    pub fn is_plain(&self, symbol: Symbol) -> bool {
        usize::from(self.codes[symbol.index()]) <= OWNER_LIMIT
    }

    /// The owners of a value as a tenant sees it.
    #[inline]
    pub fn of(&self, symbol: Symbol, tenant: u16) -> Owners {
        match self.codes[symbol.index()] & !LARGE {
            PER_TENANT => {
                let mut of_value = self.of_tenants(symbol);
                let found = of_value.clone().find(|entry| entry.1 == tenant).or_else(|| of_value.next());
                Owners::of_code(found.expect("the tenants of a value are noted").2)
            }
            code => Owners::of_code(code),
        }
    }

    /// What is noted of a value that several tenants use.
    fn of_tenants(&self, symbol: Symbol) -> impl Iterator<Item = &OfTenant> + Clone {
        let stretch = symbol.index() / STRETCH;
        let near = &self.per_tenant[self.stretches[stretch] as usize..self.stretches[stretch + 1] as usize];
        near.iter().filter(move |entry| entry.0 == symbol)
    }

    /// Whether a value is a hub in some tenant.
    fn is_hub_anywhere(&self, symbol: Symbol) -> bool {
        match self.codes[symbol.index()] & !LARGE {
            PER_TENANT => self.of_tenants(symbol).any(|entry| Owners::of_code(entry.2).is_hub()),
            code => Owners::of_code(code).is_hub(),
        }
    }
}

/// The records of a value by tenant.
pub enum Tenants {
    /// All belong to this tenant or to none, or tenants do not divide.
    One(u16),
    /// The records of each concrete tenant, tenant-less ones in each.
    Several(Vec<(u16, Vec<RecordIx>)>),
}

/// Divides the records of a value by tenant.
pub fn tenants_of(population: &Population, bucket: &[RecordIx], scope: Scope) -> Tenants {
    let tenant = |record: RecordIx| population.at(record).tenant;
    let first = bucket.iter().map(|&record| tenant(record)).find(|&tenant| tenant != 0).unwrap_or(0);
    if scope == Scope::Global || bucket.iter().all(|&record| tenant(record) == 0 || tenant(record) == first) {
        return Tenants::One(first);
    }
    let mut tenants: Vec<u16> = bucket.iter().map(|&record| tenant(record)).filter(|&tenant| tenant != 0).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let of = |wanted: u16| bucket.iter().copied().filter(|&record| tenant(record) == 0 || tenant(record) == wanted).collect();
    Tenants::Several(tenants.into_iter().map(|tenant| (tenant, of(tenant))).collect())
}

/// Greedy groups of named records by compatible first name without birth-date conflict, in sorted order.
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

/// One record of each owner, up to one more than the limit.
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

/// Whether two people can be one owner.
pub(super) fn same_owner(population: &Population, a: &Person, b: &Person) -> bool {
    population.names.compare_full((a.0, a.1), (b.0, b.1)).agrees() && !births_conflict(a.2, b.2)
}

/// A source lists a person once: its nameless records with different numbers on one address are different people.
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

/// One record of each owner.
pub(in crate::resolve) type Leaders = SmallVec<[Person; OWNER_LIMIT + 1]>;

/// Given name, family name, birth date.
pub(in crate::resolve) type Person = (Symbol, Symbol, u32);

/// The person whom a record shows.
pub(in crate::resolve) fn person_of(population: &Population, record: RecordIx) -> Person {
    population.at(record).person()
}

/// The distinct (first name, surname, birth date) of a group, without bare initials; sorted as texts.
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

/// A value that too many share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// What kind of value.
    pub kind: KeyKind,
    /// The tenant in which it is shared; 0 if none is known.
    pub tenant: u16,
    /// The value.
    pub symbol: Symbol,
    /// Records that carry it.
    pub records: u32,
    /// Why it is one.
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
                Tenants::One(tenant) => vec![(tenant, bucket.len())],
                Tenants::Several(groups) => groups.into_iter().map(|(tenant, group)| (tenant, group.len())).collect(),
            };
            groups.into_iter().filter_map(move |(tenant, count)| {
                let owners = ownership.of(symbol, tenant);
                let records = u32::try_from(count).expect("records are counted in 32 bits");
                owners.is_hub().then_some(Hub { kind, tenant, symbol, records, owners })
            })
        })
        .collect()
}
