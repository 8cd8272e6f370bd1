//! The match weight of two records: a sum of the weights of their comparison levels, and the rule that names the link.

use crate::model::{LinkRule, RecordIx};
use crate::resolve::compare::alike::alike;
use crate::resolve::compare::birth_date::{BirthMatch, compare_births};
use crate::resolve::compare::contact_counts::{ContactBuckets, PackedContacts};
use crate::resolve::compare::key_frequency::{Owners, Ownership};
use crate::resolve::compare::names::{FullMatch, NameMatch};
use crate::resolve::compare::numbers::{NumberMatch, compare_numbers};
use crate::resolve::compare::spelling::one_edit;
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::ComparisonLevel;
use crate::resolve::options::Scope;
use crate::resolve::population::intern::{NONE, Symbol};
use crate::resolve::population::prefetch::look;
use crate::resolve::population::{KeyKind, Population};

/// Receives the comparison levels one by one.
pub trait EvidenceTally {
    /// A comparison level and its weight.
    fn add(&mut self, piece: ComparisonLevel, weight: Weight);
}

/// Only the sum.
#[derive(Default)]
pub struct Sum(pub Weight);

impl EvidenceTally for Sum {
    fn add(&mut self, _: ComparisonLevel, weight: Weight) {
        self.0 += weight;
    }
}

impl EvidenceTally for Vec<(ComparisonLevel, Weight)> {
    fn add(&mut self, piece: ComparisonLevel, weight: Weight) {
        self.push((piece, weight));
    }
}

/// The result of a comparison in addition to the match weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairVerdict {
    /// The rule of a possible link; `None` if no key connects the two.
    pub rule: Option<LinkRule>,
    /// The relation of the first names.
    pub first: NameMatch,
    /// The relation of the birth dates.
    pub born: BirthMatch,
    /// Whether the tenants differ and links across tenants are not allowed.
    pub cross_tenant: bool,
}

impl PairVerdict {
    /// Whether the rule is a number that belongs to one person.
    pub fn is_strong(&self) -> bool {
        self.rule.is_some_and(is_strong)
    }
}

/// The number of records for which the weights were set.
const USUAL_RECORDS: u64 = 270_000;

/// The weight lost by pairs with only name and birth date in common: with twice the records, each record has twice as many chance
/// namesakes.
fn crowd(records: u32) -> Weight {
    (Weight::log2(records.into()) - Weight::log2(USUAL_RECORDS)).max(Weight::ZERO)
}

/// Whether a rule rests on a number that belongs to one person, or on a decision.
pub fn is_strong(rule: LinkRule) -> bool {
    use LinkRule::{AuthUserId, CdhId, Decision, GolfRsaId, McaId};
    matches!(rule, Decision | AuthUserId | GolfRsaId | CdhId | McaId)
}

/// The relation of the values of one kind of two records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::resolve) enum Shared {
    /// One has no value.
    Unknown,
    /// Both have this value.
    Same(Symbol),
    /// Both have values, but none in common.
    Different,
}

/// Scores pairs of records of one population.
pub struct Scorer<'a> {
    /// The records.
    pub population: &'a Population,
    /// Number of people that use the values of each kind.
    pub ownership: &'a [Ownership; 6],
    /// The records of each email and phone.
    pub buckets: &'a ContactBuckets,
    /// For each record without a name: the other users of its email and phone.
    pub contacts: &'a [PackedContacts],
    /// Whether links across tenants are allowed.
    pub scope: Scope,
}

impl Scorer<'_> {
    /// Prefetches what scoring these records needs.
    pub(in crate::resolve) fn look_ahead(&self, records: impl Iterator<Item = RecordIx> + Clone) {
        let population = self.population;
        look(records.clone().map(|record| population.peek(record)));
        let contact_keys = |record| [KeyKind::Email, KeyKind::Phone].map(|kind| (kind, population.value(kind, record)));
        look(
            records
                .clone()
                .flat_map(contact_keys)
                .map(|(kind, symbol)| self.ownership[kind as usize].peek(symbol) ^ self.buckets.of(kind).peek(symbol)),
        );
        let nameless = records.filter(|&record| population.is_nameless(record));
        look(nameless.map(|record| population.peek_text(KeyKind::Email, population.value(KeyKind::Email, record))));
    }

    /// Scores a pair; the order of the two does not matter.
    pub fn score(&self, a: RecordIx, b: RecordIx, tally: &mut impl EvidenceTally) -> PairVerdict {
        let (tenant_a, tenant_b) = (self.population.at(a).tenant, self.population.at(b).tenant);
        let tenant = if tenant_a == 0 { tenant_b } else { tenant_a };
        let cross_tenant = self.scope == Scope::Tenant && tenant_a != 0 && tenant_b != 0 && tenant_a != tenant_b;
        let names = self.names(a, b);
        let full_name = names.is_full();
        let strong = self.strong_keys(a, b, tenant, tally);
        let (email, phone) = match (self.population.is_nameless(a), self.population.is_nameless(b)) {
            (true, false) => self.household(a, b, tenant, tally),
            (false, true) => self.household(b, a, tenant, tally),
            _ => (self.email(a, b, tenant, full_name, tally), self.phone(a, b, tenant, full_name, tally)),
        };
        self.score_names(a, b, names, tally);
        let born = compare_births(self.population.at(a).born, self.population.at(b).born);
        match born {
            BirthMatch::Equal => tally.add(ComparisonLevel::BornEqual, ComparisonLevel::BornEqual.weight()),
            BirthMatch::Near => tally.add(ComparisonLevel::BornNear, ComparisonLevel::BornNear.weight()),
            BirthMatch::Year => tally.add(ComparisonLevel::BornYear, ComparisonLevel::BornYear.weight()),
            BirthMatch::Conflict => tally.add(ComparisonLevel::BornDifferent, ComparisonLevel::BornDifferent.weight()),
            BirthMatch::Unknown => {}
        }
        let name_born = names.first == NameMatch::Equal && born == BirthMatch::Equal;
        if name_born {
            tally.add(ComparisonLevel::NameBorn, ComparisonLevel::NameBorn.weight());
        }
        if self.genders_differ(a, b) {
            tally.add(ComparisonLevel::GenderDifferent, ComparisonLevel::GenderDifferent.weight());
        }
        self.tags(a, b, tally);
        if self.population.is_nameless(a) && self.population.is_nameless(b) {
            let one_source = self.population.source(a) == self.population.source(b);
            let piece = if one_source { ComparisonLevel::NamelessPair } else { ComparisonLevel::NamelessBoth };
            tally.add(piece, piece.weight());
        }
        let is_keyless = strong.is_none() && !matches!((email, phone), (ContactMatch::Same(_), _) | (_, ContactMatch::Same(_)));
        let alike = if is_keyless { alike(self.population, a, b, names, born, || self.is_number_slip(a, b)) } else { None };
        let rule = strong.or(match (email, phone) {
            (ContactMatch::Same(_), ContactMatch::Same(_)) => Some(LinkRule::EmailPhone),
            (ContactMatch::Same(_), _) => Some(LinkRule::Email),
            (_, ContactMatch::Same(_)) => Some(LinkRule::Phone),
            _ if alike.is_some() && born == BirthMatch::Equal => Some(LinkRule::NameDob),
            (ContactMatch::Near, _) => Some(LinkRule::NearEmail),
            (_, ContactMatch::Near) => Some(LinkRule::NearPhone),
            _ if alike.is_some() => Some(LinkRule::NameDob),
            _ => None,
        });
        match (rule, alike) {
            (Some(LinkRule::NameDob), Some(weight)) => tally.add(ComparisonLevel::NameBornAlone, weight),
            (None, _) => tally.add(ComparisonLevel::NoKey, ComparisonLevel::NoKey.weight()),
            (Some(LinkRule::NearEmail | LinkRule::NearPhone), _) => {
                let crowd = crowd(self.population.len());
                if crowd > Weight::ZERO {
                    tally.add(ComparisonLevel::Crowd, -crowd);
                }
            }
            _ => {}
        }
        PairVerdict { rule, first: names.first, born, cross_tenant }
    }

    /// The sum and the verdict.
    pub fn sum(&self, a: RecordIx, b: RecordIx) -> (Weight, PairVerdict) {
        let mut sum = Sum::default();
        let verdict = self.score(a, b, &mut sum);
        (sum.0, verdict)
    }

    /// The relation of the names; close names of different gender are two names.
    pub(in crate::resolve) fn names(&self, a: RecordIx, b: RecordIx) -> FullMatch {
        let names = &self.population.names;
        let (of_a, of_b) = (self.population.at(a), self.population.at(b));
        let mut matched = names.compare_full((of_a.first, of_a.last), (of_b.first, of_b.last));
        if matched.first == NameMatch::Close && self.genders_differ(a, b) && !names.are_forms(of_a.first, of_b.first) {
            matched.first = NameMatch::Conflict;
        }
        matched
    }

    fn genders_differ(&self, a: RecordIx, b: RecordIx) -> bool {
        let (gender_a, gender_b) = (self.population.gender(a), self.population.gender(b));
        gender_a != 0 && gender_b != 0 && gender_a != gender_b
    }

    fn score_names(&self, a: RecordIx, b: RecordIx, names: FullMatch, tally: &mut impl EvidenceTally) {
        let piece = match names.first {
            NameMatch::Equal => Some(ComparisonLevel::FirstEqual),
            NameMatch::Close => Some(ComparisonLevel::FirstClose),
            NameMatch::Initial => Some(ComparisonLevel::FirstInitial),
            NameMatch::Conflict => Some(ComparisonLevel::FirstConflict),
            NameMatch::Unknown => None,
        };
        if let Some(piece) = piece {
            tally.add(piece, piece.weight());
        }
        let piece = match names.last {
            NameMatch::Equal => Some(ComparisonLevel::LastEqual),
            NameMatch::Close | NameMatch::Initial => Some(ComparisonLevel::LastNear),
            NameMatch::Conflict => Some(ComparisonLevel::LastDifferent),
            NameMatch::Unknown => None,
        };
        if let Some(piece) = piece {
            tally.add(piece, piece.weight());
        }
        if names.is_full() {
            let rarity_of = |record| self.population.names.rarity(self.population.at(record).last);
            // For swapped names the more frequent reading counts, so that the order of the two does not matter.
            let mut rarity = rarity_of(a);
            if names.is_swapped {
                rarity = rarity.min(rarity_of(b));
            }
            if rarity > Weight::ZERO {
                tally.add(ComparisonLevel::Rarity, rarity);
            }
        }
    }

    pub(in crate::resolve) fn shared(&self, kind: KeyKind, a: RecordIx, b: RecordIx) -> Shared {
        let population = self.population;
        let (first_a, first_b) = (population.value(kind, a), population.value(kind, b));
        if first_a == NONE || first_b == NONE {
            return Shared::Unknown;
        }
        if !population.has_more(a) && !population.has_more(b) {
            return if first_a == first_b { Shared::Same(first_a) } else { Shared::Different };
        }
        let common = population.values(kind, a).filter(|&symbol| population.values(kind, b).any(|other| other == symbol));
        // The value that the fewest people use weighs most; ties go to the lower text, so that the choice is fixed.
        let tenant = population.at(a).tenant.max(population.at(b).tenant);
        common
            .min_by(|&x, &y| {
                let rank = |symbol| match self.ownership[kind as usize].of(symbol, tenant) {
                    Owners::Few(count) => count,
                    Owners::Many | Owners::ManyNameless => u8::MAX,
                };
                rank(x).cmp(&rank(y)).then_with(|| population.text(kind, x).cmp(&population.text(kind, y)))
            })
            .map_or(Shared::Different, Shared::Same)
    }

    fn strong_keys(&self, a: RecordIx, b: RecordIx, tenant: u16, tally: &mut impl EvidenceTally) -> Option<LinkRule> {
        let kinds = [
            (KeyKind::Auth, LinkRule::AuthUserId, ComparisonLevel::AuthSame),
            (KeyKind::GolfRsa, LinkRule::GolfRsaId, ComparisonLevel::GolfRsaSame),
            (KeyKind::Cdh, LinkRule::CdhId, ComparisonLevel::CdhSame),
            (KeyKind::Mca, LinkRule::McaId, ComparisonLevel::McaSame),
        ];
        let mut rule = None;
        for (kind, of_kind, same) in kinds {
            match self.shared(kind, a, b) {
                Shared::Unknown => {}
                Shared::Same(symbol) => {
                    if !self.ownership[kind as usize].of(symbol, tenant).is_hub() {
                        rule = rule.or(Some(of_kind));
                        tally.add(same, same.weight());
                    }
                }
                Shared::Different => {
                    if let Some(piece) = self.different(kind, a, b) {
                        tally.add(piece, piece.weight());
                    }
                }
            }
        }
        rule
    }

    /// The level for different values of a kind; `None` for members of two lists, whose numbers differ anyway.
    fn different(&self, kind: KeyKind, a: RecordIx, b: RecordIx) -> Option<ComparisonLevel> {
        let numbers = || compare_numbers(self.population, kind, a, b);
        let sources = [a, b].map(|record| self.population.source(record));
        Some(match kind {
            KeyKind::GolfRsa => match numbers() {
                NumberMatch::Slip => ComparisonLevel::GolfRsaSlip,
                NumberMatch::Neighbour => ComparisonLevel::GolfRsaNear,
                NumberMatch::Different => ComparisonLevel::GolfRsaDifferent,
            },
            KeyKind::Cdh => match numbers() {
                NumberMatch::Slip => ComparisonLevel::CdhSlip,
                NumberMatch::Neighbour => ComparisonLevel::CdhNear,
                NumberMatch::Different => ComparisonLevel::CdhDifferent,
            },
            KeyKind::Mca if !sources.iter().all(|source| source.is_mca()) => ComparisonLevel::McaDifferent,
            KeyKind::Mca if sources[0] == sources[1] => ComparisonLevel::LegacyTwice,
            KeyKind::Mca => return None,
            KeyKind::Auth | KeyKind::Email | KeyKind::Phone => ComparisonLevel::AuthDifferent,
        })
    }

    /// Whether the two have different handicap numbers of one register that are a typing error apart.
    fn is_number_slip(&self, a: RecordIx, b: RecordIx) -> bool {
        [KeyKind::GolfRsa, KeyKind::Cdh].into_iter().any(|kind| {
            self.shared(kind, a, b) == Shared::Different && compare_numbers(self.population, kind, a, b) == NumberMatch::Slip
        })
    }

    fn email(&self, a: RecordIx, b: RecordIx, tenant: u16, full_name: bool, tally: &mut impl EvidenceTally) -> ContactMatch {
        match self.shared(KeyKind::Email, a, b) {
            Shared::Unknown => ContactMatch::None,
            Shared::Same(symbol) => {
                let piece = match self.ownership[KeyKind::Email as usize].of(symbol, tenant) {
                    Owners::Few(1) => ComparisonLevel::EmailOne,
                    Owners::Few(2) => ComparisonLevel::EmailTwo,
                    Owners::Few(3) => ComparisonLevel::EmailThree,
                    Owners::Few(_) => ComparisonLevel::EmailFour,
                    Owners::Many | Owners::ManyNameless if full_name => ComparisonLevel::EmailHub,
                    Owners::Many | Owners::ManyNameless => return ContactMatch::None,
                };
                tally.add(piece, piece.weight());
                ContactMatch::Same(symbol)
            }
            Shared::Different => {
                let text = |record| self.population.text(KeyKind::Email, self.population.value(KeyKind::Email, record));
                if full_name && emails_are_near(text(a).as_bytes(), text(b).as_bytes()) {
                    tally.add(ComparisonLevel::EmailNear, ComparisonLevel::EmailNear.weight());
                    return ContactMatch::Near;
                }
                tally.add(ComparisonLevel::EmailDifferent, ComparisonLevel::EmailDifferent.weight());
                ContactMatch::None
            }
        }
    }

    fn phone(&self, a: RecordIx, b: RecordIx, tenant: u16, full_name: bool, tally: &mut impl EvidenceTally) -> ContactMatch {
        match self.shared(KeyKind::Phone, a, b) {
            Shared::Unknown => ContactMatch::None,
            Shared::Same(symbol) => {
                let piece = match self.ownership[KeyKind::Phone as usize].of(symbol, tenant) {
                    Owners::Few(1) if self.population.is_fixed_line(symbol) => ComparisonLevel::PhoneFixed,
                    Owners::Few(1) => ComparisonLevel::PhoneOne,
                    Owners::Few(2) => ComparisonLevel::PhoneTwo,
                    Owners::Few(3) => ComparisonLevel::PhoneThree,
                    Owners::Few(_) => ComparisonLevel::PhoneFour,
                    Owners::Many | Owners::ManyNameless if full_name => ComparisonLevel::PhoneHub,
                    Owners::Many | Owners::ManyNameless => return ContactMatch::None,
                };
                tally.add(piece, piece.weight());
                ContactMatch::Same(symbol)
            }
            Shared::Different => {
                let text = |record| self.population.text(KeyKind::Phone, self.population.value(KeyKind::Phone, record));
                if full_name && phones_are_near(text(a).as_bytes(), text(b).as_bytes()) {
                    tally.add(ComparisonLevel::PhoneNear, ComparisonLevel::PhoneNear.weight());
                    return ContactMatch::Near;
                }
                tally.add(ComparisonLevel::PhoneDifferent, ComparisonLevel::PhoneDifferent.weight());
                ContactMatch::None
            }
        }
    }

    /// `name+child@` names the child.
    fn tags(&self, a: RecordIx, b: RecordIx, tally: &mut impl EvidenceTally) {
        let population = self.population;
        for (tagged, named) in [(a, b), (b, a)] {
            let (tag, first) = (population.tag(tagged), population.at(named).first);
            if tag != NONE
                && first != NONE
                && population.names.is_common_given(tag)
                && !population.names.compare_first(tag, first).agrees()
            {
                tally.add(ComparisonLevel::TagOther, ComparisonLevel::TagOther.weight());
            }
        }
    }
}

/// How emails or phones connect two records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::resolve) enum ContactMatch {
    /// Not at all.
    None,
    /// By this value.
    Same(Symbol),
    /// By a typing error.
    Near,
}

/// Whether two emails differ by one edit of a letter in the local part, with the same digits, or by a typing error in the domain
/// after an equal long local part. Different separators are not a typing error: `john_x` and `john.x` are two mailboxes.
fn emails_are_near(a: &[u8], b: &[u8]) -> bool {
    let (Some((local_a, domain_a)), Some((local_b, domain_b))) = (parts(a), parts(b)) else { return false };
    if domain_a == domain_b {
        return local_a.len().min(local_b.len()) > 4
            && one_edit(local_a, local_b)
            && digits(local_a).eq(digits(local_b))
            && !without_separators(local_a).eq(without_separators(local_b));
    }
    local_a == local_b && local_a.len() > 6 && one_edit(domain_a, domain_b)
}

fn digits(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().filter(|letter| letter.is_ascii_digit())
}

fn without_separators(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().filter(|letter| letter.is_ascii_alphanumeric())
}

/// The parts of an email before and after its last `@`.
fn parts(address: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = address.iter().rposition(|&byte| byte == b'@')?;
    Some((&address[..at], &address[at + 1..]))
}

/// Whether two phones differ by two swapped neighbouring digits.
fn phones_are_near(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && one_edit(a, b) && {
        let mut digits = [0i8; 256];
        a.iter().for_each(|&digit| digits[usize::from(digit)] += 1);
        b.iter().for_each(|&digit| digits[usize::from(digit)] -= 1);
        digits.iter().all(|&count| count == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_one_letter_off_is_near_but_another_number_in_it_is_not() {
        assert!(emails_are_near(b"johnsmith@mail.test", b"jonsmith@mail.test"));
        assert!(!emails_are_near(b"john1@mail.test", b"john2@mail.test"));
        assert!(emails_are_near(b"johnsmith@mail.test", b"johnsmith@mial.test"));
    }

    #[test]
    fn addresses_that_differ_by_a_separator_are_two_mailboxes() {
        for (a, b) in [("john_x", "john.x"), ("john-smith", "johnsmith"), ("jo.hn.smith", "jo.hnsmith")] {
            let [a, b] = [a, b].map(|local| format!("{local}@mail.test"));
            assert!(!emails_are_near(a.as_bytes(), b.as_bytes()), "{a} {b}");
        }
    }

    #[test]
    fn twice_the_records_cost_name_and_birth_date_pairs_one_bit() {
        assert_eq!([0, 1, 100_000, 270_000].map(crowd), [Weight::ZERO; 4]);
        assert_eq!([540_000, 1_080_000, 17_280_000].map(crowd), [1, 2, 6].map(Weight::bits));
        let exact = |records: u32| (f64::from(records) / 270_000.0).log2();
        assert!(
            (2..200).map(|step| step * 250_000).all(|records| (crowd(records).in_bits() - exact(records)).abs() < 1.0 / 16.0)
        );
    }

    #[test]
    fn two_swapped_digits_are_near_and_another_digit_is_not() {
        assert!(phones_are_near(b"+447700900123", b"+447700900132"));
        assert!(!phones_are_near(b"+447700900123", b"+447700900124"));
    }
}
