//! The population: every person record of every source in scope, as flat columns of small integers in record order.

pub(super) mod batches;
pub(super) mod intern;
pub(super) mod load;
pub(super) mod packed_text;
pub(super) mod prefetch;
pub(super) mod words;

use std::cmp::Ordering;
use std::fmt;

use rayon::prelude::*;

use crate::model::{AliasType, Code, RecordIx, RecordKey, SkipReason, Source, record_order};
use crate::resolve::compare::names::Names;
use crate::resolve::population::intern::{NONE, Symbol, SymbolSet};
use crate::resolve::population::packed_text::{Arena, PackedText};

/// The kinds of key values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Subject of the identity provider.
    Auth,
    /// South African handicap number.
    GolfRsa,
    /// British and Irish handicap number.
    Cdh,
    /// Legacy member number: a member's own, or one that a player quotes.
    Mca,
    /// Email.
    Email,
    /// Phone.
    Phone,
}

impl KeyKind {
    /// Every kind, strongest first.
    pub const ALL: [Self; 6] = [Self::Auth, Self::GolfRsa, Self::Cdh, Self::Mca, Self::Email, Self::Phone];

    pub(in crate::resolve) fn of(alias: AliasType) -> Option<Self> {
        Some(match alias {
            AliasType::Email => Self::Email,
            AliasType::Phone => Self::Phone,
            AliasType::AuthUserId => Self::Auth,
            AliasType::GolfRsaId => Self::GolfRsa,
            AliasType::CdhId => Self::Cdh,
            AliasType::McaId | AliasType::McaV1ZaId | AliasType::McaV1UkId => Self::Mca,
            AliasType::SclMemberId | AliasType::TeetimePlayerId | AliasType::MessagingContactId => return None,
        })
    }
}

/// Appends a legacy number with its region, in a form that packs well: the source's position, then the number.
pub(in crate::resolve) fn write_mca(source: Source, number: &str, text: &mut String) {
    text.push(if source == Source::McaZa { '0' } else { '1' });
    text.push_str(number);
}

fn mca_region(text: &str) -> Option<(Source, &str)> {
    let source = if text.starts_with('0') { Source::McaZa } else { Source::McaUk };
    Some((source, text.get(1..)?))
}

const GENDER: u8 = 0b11;
pub(in crate::resolve) const MAY_FOUND: u8 = 0b100;
pub(in crate::resolve) const DELETED: u8 = 0b1000;
const HAS_MORE: u8 = 0b1_0000;
const HAS_TAG: u8 = 0b10_0000;

/// The compared values of a record, stored together, so that comparing two records reads two places of memory instead of twenty.
/// Absent values are `NONE`.
#[derive(Clone, Copy, Default)]
pub struct Features {
    pub(in crate::resolve) keys: [Symbol; 6],
    /// Given name.
    pub(in crate::resolve) first: Symbol,
    /// Family name.
    pub(in crate::resolve) last: Symbol,
    /// Birth date as the number yyyymmdd, 0 if absent.
    pub(in crate::resolve) born: u32,
    /// Tenant; 0 if absent.
    pub(in crate::resolve) tenant: u16,
    /// Lower half: why the record is skipped if no other record links to it. Upper half: the generation suffix of its name.
    pub(in crate::resolve) skip: u8,
    pub(in crate::resolve) flags: u8,
}

impl Features {
    /// The generation suffix of the name: 1 for senior, 2 for junior or second, 3 and 4 for those after; 0 without one.
    pub(in crate::resolve) fn generation(&self) -> u8 {
        self.skip >> 4
    }

    /// Given name, family name, birth date.
    pub(in crate::resolve) fn person(&self) -> (Symbol, Symbol, u32) {
        (self.first, self.last, self.born)
    }
}

/// A record's key, unpacked from the population.
pub struct PopulationKey<'a> {
    /// The system.
    pub source: Source,
    /// The id in the source's people table.
    pub id: PackedText<'a>,
}

impl PopulationKey<'_> {
    /// As a [`RecordKey`].
    pub fn get(&self) -> RecordKey<'_> {
        RecordKey { source: self.source, id: &self.id }
    }
}

impl fmt::Display for PopulationKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// The records and the texts they refer to.
pub struct Population {
    pub(in crate::resolve) ids: Arena,
    pub(in crate::resolve) source_ends: [u32; Source::ALL.len()],
    pub(in crate::resolve) tenants: Vec<String>,
    pub(in crate::resolve) rows: Vec<Features>,
    pub(in crate::resolve) texts: [Arena; 6],
    /// Phones that are fixed lines.
    pub(in crate::resolve) fixed_lines: SymbolSet,
    /// Further keys: record, kind, symbol; sorted.
    pub(in crate::resolve) more: Vec<(RecordIx, KeyKind, Symbol)>,
    /// Name in the `+tag` of a record's email; sorted.
    pub(in crate::resolve) tags: Vec<(RecordIx, Symbol)>,
    /// Names of the population.
    pub names: Names,
    /// Records with a birth date.
    pub(super) births: u32,
}

impl Population {
    /// Number of records.
    pub fn len(&self) -> u32 {
        u32::try_from(self.rows.len()).expect("records are counted in 32 bits")
    }

    /// Every record, in record order.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = RecordIx> + ExactSizeIterator + Clone + use<> {
        RecordIx::range(0..self.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The system a record came from.
    pub fn source(&self, record: RecordIx) -> Source {
        let at = self.source_ends.iter().position(|&end| record.0 < end).expect("every record lies in a source's range");
        Source::ALL[at]
    }

    /// A record's key.
    pub fn key(&self, record: RecordIx) -> PopulationKey<'_> {
        PopulationKey { source: self.source(record), id: self.ids.get(record.0) }
    }

    /// The record with this key, if it is in scope.
    pub fn find(&self, key: RecordKey<'_>) -> Option<RecordIx> {
        self.find_from(RecordIx(0), key).ok()
    }

    /// The same, starting at a record; `Err` holds the position where it would be inserted.
    pub(in crate::resolve) fn find_from(&self, start: RecordIx, key: RecordKey<'_>) -> Result<RecordIx, RecordIx> {
        let key_of = |at: u32| self.key(RecordIx(at));
        let (mut low, mut step) = (start.0, 1);
        while low + step < self.len() && record_order(key_of(low + step).get(), key).is_lt() {
            low += step;
            step *= 2;
        }
        let mut high = self.len().min(low + step + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match record_order(key_of(middle).get(), key) {
                Ordering::Equal => return Ok(RecordIx(middle)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Err(RecordIx(low))
    }

    /// The compared values of a record.
    pub(in crate::resolve) fn at(&self, record: RecordIx) -> &Features {
        &self.rows[record.index()]
    }

    /// A value near a text, for [`crate::resolve::population::prefetch::look`].
    pub(in crate::resolve) fn peek_text(&self, kind: KeyKind, symbol: Symbol) -> u32 {
        self.texts[kind as usize].peek(symbol.0)
    }

    /// A value near an id, for [`crate::resolve::population::prefetch::look`].
    pub(in crate::resolve) fn peek_id(&self, record: RecordIx) -> u32 {
        self.ids.peek(record.0)
    }

    /// A value of a record, for [`crate::resolve::population::prefetch::look`].
    pub(in crate::resolve) fn peek(&self, record: RecordIx) -> u32 {
        self.at(record).first.0
    }

    /// The text of a tenant; `None` for the absent one.
    pub fn tenant_text(&self, tenant: u16) -> Option<&str> {
        (tenant != 0).then(|| self.tenants[usize::from(tenant)].as_str())
    }

    /// Number of tenants, including the absent one.
    pub fn tenant_count(&self) -> usize {
        self.tenants.len()
    }

    /// A record's first value of a kind.
    #[inline]
    pub fn value(&self, kind: KeyKind, record: RecordIx) -> Symbol {
        self.at(record).keys[kind as usize]
    }

    /// Every value of a kind that a record has.
    #[inline]
    pub fn values(&self, kind: KeyKind, record: RecordIx) -> impl Iterator<Item = Symbol> + '_ {
        let first = self.value(kind, record);
        let more: &[(RecordIx, KeyKind, Symbol)] =
            if self.at(record).flags & HAS_MORE == 0 { &[] } else { self.more(record, kind) };
        std::iter::once(first).filter(|&symbol| symbol != NONE).chain(more.iter().map(|entry| entry.2))
    }

    fn more(&self, record: RecordIx, kind: KeyKind) -> &[(RecordIx, KeyKind, Symbol)] {
        let start = self.more.partition_point(|entry| (entry.0, entry.1) < (record, kind));
        let length = self.more[start..].partition_point(|entry| (entry.0, entry.1) == (record, kind));
        &self.more[start..start + length]
    }

    /// Whether a record has more than one value of some kind.
    pub fn has_more(&self, record: RecordIx) -> bool {
        self.at(record).flags & HAS_MORE != 0
    }

    /// Every `(symbol, record)` of a kind in record order; deleted records have none.
    pub fn pairs(&self, kind: KeyKind) -> impl Iterator<Item = (Symbol, RecordIx)> + '_ {
        self.records().flat_map(move |record| self.values(kind, record).map(move |symbol| (symbol, record)))
    }

    /// The text of a value.
    pub fn text(&self, kind: KeyKind, symbol: Symbol) -> PackedText<'_> {
        self.texts[kind as usize].get(symbol.0)
    }

    /// The text of a value for display.
    pub fn shown(&self, kind: KeyKind, symbol: Symbol) -> String {
        let text = self.text(kind, symbol);
        match (kind, mca_region(&text)) {
            (KeyKind::Mca, Some((source, number))) => format!("{source}:{number}"),
            _ => text.to_owned(),
        }
    }

    /// Number of distinct values of a kind, including the absent one.
    pub fn symbols(&self, kind: KeyKind) -> usize {
        self.texts[kind as usize].len()
    }

    /// Whether a phone is a fixed line: of a household or an office.
    pub fn is_fixed_line(&self, phone: Symbol) -> bool {
        self.fixed_lines.has(phone)
    }

    /// The name in the `+tag` of a record's email.
    pub fn tag(&self, record: RecordIx) -> Symbol {
        if self.at(record).flags & HAS_TAG == 0 {
            return NONE;
        }
        self.tags.binary_search_by_key(&record, |tag| tag.0).map_or(NONE, |at| self.tags[at].1)
    }

    /// 0 for unknown or other, 1 for male, 2 for female.
    pub fn gender(&self, record: RecordIx) -> u8 {
        self.at(record).flags & GENDER
    }

    /// Whether the record may be the seed record of a profile.
    pub fn may_found(&self, record: RecordIx) -> bool {
        self.at(record).flags & MAY_FOUND != 0
    }

    /// Whether the record is deleted in its source.
    pub fn is_deleted(&self, record: RecordIx) -> bool {
        self.at(record).flags & DELETED != 0
    }

    /// Whether the record has no name.
    pub fn is_nameless(&self, record: RecordIx) -> bool {
        let row = self.at(record);
        row.first == NONE && row.last == NONE
    }

    /// Whether the record has no email, phone and login, so that only its name, birth date and numbers can link it.
    pub(in crate::resolve) fn has_only_name(&self, record: RecordIx) -> bool {
        [KeyKind::Email, KeyKind::Phone, KeyKind::Auth].iter().all(|&kind| self.value(kind, record) == NONE)
    }

    /// Why the record is skipped if no other record links to it.
    pub fn skip_reason(&self, record: RecordIx) -> SkipReason {
        if self.is_deleted(record) { SkipReason::Deleted } else { SkipReason::ALL[usize::from(self.at(record).skip & 0xf)] }
    }
}

impl Population {
    /// Sorts further keys, removes duplicates, and marks the records that have some.
    pub(in crate::resolve) fn settle_more(&mut self) {
        self.more.sort_unstable();
        self.more.dedup();
        let rows = &mut self.rows;
        self.more.retain(|&(record, kind, symbol)| rows[record.index()].keys[kind as usize] != symbol);
        for &(record, kind, symbol) in &self.more {
            let row = &mut rows[record.index()];
            // A record without a first value gets its lowest further one, so that the first value is enough to find a record.
            if row.keys[kind as usize] == NONE {
                row.keys[kind as usize] = symbol;
            }
            row.flags |= HAS_MORE;
        }
        self.more.retain(|&(record, kind, symbol)| rows[record.index()].keys[kind as usize] != symbol);
        self.tags.sort_unstable();
        for &(record, _) in &self.tags {
            self.rows[record.index()].flags |= HAS_TAG;
        }
    }

    /// Drops birth dates that are ten times as frequent as the median one: they are defaults of forms.
    pub(in crate::resolve) fn drop_placeholder_births(&mut self) {
        let mut dates: Vec<u32> = self.rows.par_iter().map(|row| row.born).filter(|&date| date != 0).collect();
        dates.par_sort_unstable();
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for date in dates {
            match counts.last_mut() {
                Some((last, count)) if *last == date => *count += 1,
                _ => counts.push((date, 1)),
            }
        }
        let mut sizes: Vec<u32> = counts.iter().map(|&(_, count)| count).collect();
        sizes.sort_unstable();
        self.births = sizes.iter().sum();
        let Some(&median) = sizes.get(sizes.len() / 2) else { return };
        let limit = (10 * median).max(20);
        let is_frequent = |&(_, count): &(u32, u32)| count > limit;
        self.births -= counts.iter().filter(|of| is_frequent(of)).map(|(_, count)| count).sum::<u32>();
        let frequent: Vec<u32> = counts.into_iter().filter(is_frequent).map(|(date, _)| date).collect();
        if !frequent.is_empty() {
            self.rows.par_iter_mut().filter(|row| frequent.binary_search(&row.born).is_ok()).for_each(|row| row.born = 0);
        }
    }
}
