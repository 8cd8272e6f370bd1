//! Constraints: rules that forbid two groups of records to be one person, however strong the evidence between two of them.

use smallvec::SmallVec;

use crate::coded;
use crate::model::RecordIx;
use crate::resolve::compare::birth_date::{BirthMatch, compare_births};
use crate::resolve::compare::names::{FullName, NameMatch};
use crate::resolve::compare::numbers::NumberMatch;
use crate::resolve::compare::spelling::one_edit;
use crate::resolve::options::Scope;
use crate::resolve::population::intern::{NONE, Symbol};
use crate::resolve::population::{Features, KeyKind, Population};

coded! {
    /// Why a pair was not linked.
    pub enum ConstraintViolation {
        /// Less than 3 bits.
        BelowThreshold = "BELOW_THRESHOLD",
        /// No first name of one side fits one of the other.
        FirstName = "FIRST_NAME_CONFLICT",
        /// The birth dates differ by more than a typing error.
        BirthDate = "BIRTH_DATE_CONFLICT",
        /// The names have different generation suffixes.
        Generation = "GENERATION_CONFLICT",
        /// Two South African handicap numbers.
        GolfRsaId = "GOLF_RSA_ID_CONFLICT",
        /// Two CDH numbers.
        CdhId = "CDH_ID_CONFLICT",
        /// The tenants differ.
        Tenant = "CROSS_TENANT",
        /// A record without a tenant fits two tenants about equally well.
        TenantAmbiguous = "TENANT_AMBIGUOUS",
        /// A record without a name fits two people about equally well, or its evidence is below the threshold for contested
        /// records.
        Ambiguous = "AMBIGUOUS",
        /// A source lists a person once, and another of its records fits this person better.
        Taken = "TAKEN",
        /// Only a typing error or a weak key connects the two groups, and as a whole they do not match.
        WeakOverall = "WEAK_OVERALL",
        /// A manual decision.
        Decision = "DECISION",
    }
}

impl ConstraintViolation {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::BelowThreshold => "the evidence is below the match threshold",
            Self::FirstName => "no first name of one side fits one of the other",
            Self::BirthDate => "the birth dates differ by more than a typing error",
            Self::Generation => "the names have different generation suffixes, such as Jr and Sr",
            Self::GolfRsaId => "two South African handicap numbers",
            Self::CdhId => "two CDH numbers",
            Self::Tenant => "the tenants differ",
            Self::TenantAmbiguous => "the record without a tenant fits two tenants about equally well",
            Self::Ambiguous => "the record without a name may belong to other people of the household",
            Self::Taken => "a source lists a person once, and another of its records fits this person better",
            Self::WeakOverall => "only a typing error or a weak key connects the two groups, and as a whole they do not match",
            Self::Decision => "decided by hand",
        }
    }
}

/// Most records have at most one number.
type NumberList = SmallVec<[Symbol; 1]>;

/// The combined facts of a group of records, with which constraints are checked.
#[derive(Clone, Debug, Default)]
pub struct Portrait {
    names: SmallVec<[(Symbol, Symbol); 1]>,
    births: SmallVec<[(u32, u32); 1]>,
    golf_rsa: NumberList,
    cdh: NumberList,
    tenant: u16,
    /// The generation suffixes of the names, as bits.
    generations: u8,
    /// Whether a member without a name fits two people, so that the group must not be joined with a named one.
    pub is_ambiguous: bool,
}

fn insert<T: Ord>(values: &mut SmallVec<[T; 1]>, value: T) {
    if let Err(at) = values.binary_search(&value) {
        values.insert(at, value);
    }
}

impl Portrait {
    /// The facts of one record.
    pub fn of(population: &Population, record: RecordIx) -> Self {
        let Features { first, last, born, tenant, .. } = *population.at(record);
        let generation = population.at(record).generation();
        let mut portrait = Self { tenant, ..Self::default() };
        portrait.generations = u8::from(generation != 0) << generation;
        if first != NONE {
            portrait.names.push((first, last));
        }
        if born != 0 {
            portrait.births.push((born, 1));
        }
        population.values(KeyKind::GolfRsa, record).for_each(|symbol| insert(&mut portrait.golf_rsa, symbol));
        population.values(KeyKind::Cdh, record).for_each(|symbol| insert(&mut portrait.cdh, symbol));
        portrait
    }

    /// Whether a first name is known.
    pub fn is_named(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether both groups have a full name in common, in either order.
    pub fn shares_full_name(&self, other: &Self) -> bool {
        let full = |name: &&(Symbol, Symbol)| name.1 != NONE;
        self.names.iter().filter(full).any(|a| other.names.iter().any(|b| a == b || (a.0 == b.1 && a.1 == b.0)))
    }

    /// Whether a member has the same given and family name as a member of the other group, typing errors and name forms included.
    fn bears_full_name_of(&self, other: &Self, population: &Population) -> bool {
        let fits = |matched: NameMatch| matches!(matched, NameMatch::Equal | NameMatch::Close);
        let agree = |a: &FullName, b: &FullName| {
            let matched = population.names.compare_full(*a, *b);
            fits(matched.first) && fits(matched.last)
        };
        self.names.iter().any(|a| other.names.iter().any(|b| agree(a, b)))
    }

    /// Whether a member has the same given name as a member of the other group, typing errors and name forms included.
    fn bears_given_name_of(&self, other: &Self, population: &Population) -> bool {
        let agree = |a: &FullName, b: &FullName| {
            matches!(population.names.compare_full(*a, *b).first, NameMatch::Equal | NameMatch::Close)
        };
        self.names.iter().any(|a| other.names.iter().any(|b| agree(a, b)))
    }

    /// Merges another group into this one.
    pub fn absorb(&mut self, other: Self) {
        other.names.into_iter().for_each(|name| insert(&mut self.names, name));
        for (born, count) in other.births {
            match self.births.binary_search_by_key(&born, |entry| entry.0) {
                Ok(at) => self.births[at].1 += count,
                Err(at) => self.births.insert(at, (born, count)),
            }
        }
        other.golf_rsa.into_iter().for_each(|symbol| insert(&mut self.golf_rsa, symbol));
        other.cdh.into_iter().for_each(|symbol| insert(&mut self.cdh, symbol));
        self.tenant = self.tenant.max(other.tenant);
        self.generations |= other.generations;
        self.is_ambiguous |= other.is_ambiguous;
    }

    /// The constraint that forbids two groups to be one person; `None` if there is none.
    pub fn refuse(&self, other: &Self, population: &Population, scope: Scope) -> Option<ConstraintViolation> {
        if scope == Scope::Tenant && self.tenant != 0 && other.tenant != 0 && self.tenant != other.tenant {
            return Some(ConstraintViolation::Tenant);
        }
        if (self.is_ambiguous && other.is_named()) || (other.is_ambiguous && self.is_named()) {
            return Some(ConstraintViolation::Ambiguous);
        }
        if self.is_named()
            && other.is_named()
            && !self.names_agree(other, population)
            // Someone who gave another person's number would not also have that person's birth date.
            && !(self.shares_birth(other) && self.shares_or_mistypes_number(other, population))
        {
            return Some(ConstraintViolation::FirstName);
        }
        if self.generations != 0 && other.generations != 0 && self.generations & other.generations == 0 {
            return Some(ConstraintViolation::Generation);
        }
        if let (Some(a), Some(b)) = (self.birth(), other.birth()) {
            // A father and a son of one name do not share a number.
            let is_outweighed = self.shares_number(other) && self.bears_given_name_of(other, population);
            if !self.shares_birth(other) && !is_outweighed && compare_births(a, b) == BirthMatch::Conflict {
                return Some(ConstraintViolation::BirthDate);
            }
        }
        // A golfer has only one number. With one full name and birth date, one of the two is mistyped or a relative's.
        if numbers_exclude(population, KeyKind::GolfRsa, &self.golf_rsa, &other.golf_rsa)
            && !(self.shares_birth(other) && self.bears_full_name_of(other, population))
        {
            return Some(ConstraintViolation::GolfRsaId);
        }
        numbers_exclude(population, KeyKind::Cdh, &self.cdh, &other.cdh).then_some(ConstraintViolation::CdhId)
    }

    fn shares_birth(&self, other: &Self) -> bool {
        self.births.iter().any(|(born, _)| other.births.iter().any(|(other, _)| born == other))
    }

    /// Whether both groups have a number in common that is issued once.
    fn shares_number(&self, other: &Self) -> bool {
        let share = |a: &NumberList, b: &NumberList| a.iter().any(|number| b.contains(number));
        share(&self.golf_rsa, &other.golf_rsa) || share(&self.cdh, &other.cdh)
    }

    /// The same, or two such numbers are a typing error apart.
    fn shares_or_mistypes_number(&self, other: &Self, population: &Population) -> bool {
        let slip = |kind, a: &NumberList, b: &NumberList| {
            let text = |symbol: &Symbol| population.text(kind, *symbol);
            a.iter().any(|x| b.iter().any(|y| x != y && NumberMatch::of(&text(x), &text(y)) == NumberMatch::Slip))
        };
        self.shares_number(other)
            || slip(KeyKind::GolfRsa, &self.golf_rsa, &other.golf_rsa)
            || slip(KeyKind::Cdh, &self.cdh, &other.cdh)
    }

    /// Whether the first names agree. Initials count only for a group without longer names.
    fn names_agree(&self, other: &Self, population: &Population) -> bool {
        let names = &population.names;
        let spelled = |portrait: &Self| -> SmallVec<[(Symbol, Symbol); 4]> {
            let long = |name: &&(Symbol, Symbol)| names.is_spelled(name.0);
            if portrait.names.iter().any(|name| long(&name)) {
                portrait.names.iter().filter(long).copied().collect()
            } else {
                portrait.names.iter().copied().collect()
            }
        };
        let theirs = spelled(other);
        spelled(self).iter().any(|a| theirs.iter().any(|b| names.compare_full(*a, *b).agrees()))
    }

    /// The most frequent birth date, the earliest of several.
    fn birth(&self) -> Option<u32> {
        self.births.iter().min_by_key(|(born, count)| (std::cmp::Reverse(*count), *born)).map(|(born, _)| *born)
    }
}

fn numbers_exclude(population: &Population, kind: KeyKind, a: &[Symbol], b: &[Symbol]) -> bool {
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let text = |symbol: &Symbol| population.text(kind, *symbol);
    !a.iter().any(|x| b.iter().any(|y| x == y || one_edit(text(x).as_bytes(), text(y).as_bytes())))
}
