//! Builds the population in record order from staged batches of any size, in any order.

use rayon::ScopeFifo;
use rayon::prelude::*;

use crate::model::{Code, Gender, PhoneClass, RecordIx, SkipReason, Source, record_order, record_order_prefix};
use crate::resolve::compare::names::Names;
use crate::resolve::compare::nicknames::Nicknames;
use crate::resolve::compare::spelling::unmask;
use crate::resolve::options::ResolveOptions;
use crate::resolve::population::batches::{
    LegacyNumbers, born, follows, generation, is_kept, placed, position, push_number_key, tag,
};
use crate::resolve::population::intern::{Interner, NONE, Symbol, SymbolSet};
use crate::resolve::population::packed_text::Arena;
use crate::resolve::population::words::Vocabulary;
use crate::resolve::population::{DELETED, Features, KeyKind, MAY_FOUND, Population, PopulationKey, write_mca};
use crate::tables::Columns as _;
use crate::tables::stage::{identifiers, people};

/// A further identifier whose record has no position yet.
struct Further {
    source: Source,
    id: u32,
    kind: KeyKind,
    symbol: Symbol,
}

/// A column of interned texts, with the symbols of the current batches.
#[derive(Default)]
struct TextColumn {
    interner: Interner,
    batch: Vec<Symbol>,
}

/// A column that interns the texts of a batch.
trait Take {
    /// Clears the symbols of the former batches.
    fn clear(&mut self);
    /// Appends a batch.
    fn take<'a>(&mut self, texts: impl Iterator<Item = Option<&'a str>>);
}

impl Take for TextColumn {
    fn clear(&mut self) {
        self.batch.clear();
    }

    fn take<'a>(&mut self, texts: impl Iterator<Item = Option<&'a str>>) {
        self.interner.intern_all(texts, &mut self.batch);
    }
}

/// A column with few distinct texts.
#[derive(Default)]
struct WordColumn {
    vocabulary: Vocabulary,
    batch: Vec<Symbol>,
}

impl Take for WordColumn {
    fn clear(&mut self) {
        self.batch.clear();
    }

    fn take<'a>(&mut self, texts: impl Iterator<Item = Option<&'a str>>) {
        self.batch.extend(texts.map(|text| text.map_or(NONE, |text| self.vocabulary.intern(text))));
    }
}

/// Batches of people with their sources.
type PeopleBatches = [(Source, people::Columns)];

/// Rows that are processed together, so that threads seldom wait for each other.
const AT_ONCE: usize = 1 << 14;

/// Collects staged batches of any size, in any order, and builds the population in record order.
pub struct Gathering {
    legacy: LegacyNumbers,
    /// The tenant of records without one; `NONE` if they may join a cluster of any tenant.
    default_tenant: Symbol,
    waiting: Vec<(Source, people::Columns)>,
    waiting_rows: usize,
    /// The source of the rows up to a position.
    runs: Vec<(Source, u32)>,
    /// Whether everything so far came in record order, and the last record.
    is_sorted: bool,
    last: Option<(Source, String)>,
    ids: Arena,
    rows: Vec<Features>,
    tenants: WordColumn,
    firsts: WordColumn,
    lasts: WordColumn,
    keys: [TextColumn; 6],
    fixed_lines: SymbolSet,
    more: Vec<(RecordIx, KeyKind, Symbol)>,
    further: Vec<Further>,
    further_ids: Arena,
    tags: Vec<(RecordIx, Symbol)>,
    scratch: String,
}

impl Gathering {
    /// An empty collection with room for `records` records; it can grow.
    pub fn new(options: &ResolveOptions, records: usize) -> Self {
        let mut tenants = WordColumn::default();
        let mut tenant = |text: &str| tenants.vocabulary.intern(text);
        let regions = [(Source::McaZa, tenant(&options.mca_za_tenant)), (Source::McaUk, tenant(&options.mca_uk_tenant))];
        let default_tenant = if options.adopt_tenantless { NONE } else { tenant(&options.default_tenant) };
        Self {
            legacy: LegacyNumbers { regions, texts: String::new(), ends: Vec::new(), batch: Vec::new() },
            default_tenant,
            waiting: Vec::new(),
            waiting_rows: 0,
            runs: Vec::new(),
            is_sorted: true,
            last: None,
            ids: Arena::default(),
            rows: Vec::with_capacity(records),
            tenants,
            firsts: WordColumn::default(),
            lasts: WordColumn::default(),
            // Most records share values with another one, and many lack some kinds of values.
            keys: [(); 6].map(|()| TextColumn { interner: Interner::with_room(records / 4), batch: Vec::new() }),
            fixed_lines: SymbolSet::default(),
            more: Vec::new(),
            further: Vec::new(),
            further_ids: Arena::default(),
            tags: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Adds a batch of a source's person records.
    pub fn people(&mut self, source: Source, batch: people::Columns) {
        self.waiting_rows += batch.len();
        self.waiting.push((source, batch));
        if self.waiting_rows >= AT_ONCE {
            self.take_in();
        }
    }

    /// Processes the waiting batches.
    fn take_in(&mut self) {
        let batches = std::mem::take(&mut self.waiting);
        self.waiting_rows = 0;
        // All on the worker threads, because waking other threads takes long.
        rayon::scope(|_| self.take_in_all(&batches));
    }

    fn take_in_all(&mut self, batches: &PeopleBatches) {
        let this = &mut *self;
        rayon::scope_fifo(move |scope| this.take_columns(batches, scope));
        let mut rows = std::mem::take(&mut self.rows);
        for (first, source, batch) in placed(batches) {
            let of_batch = (0..batch.len()).into_par_iter().with_min_len(1024);
            rows.par_extend(of_batch.map(|row| self.features(batch, row, first + row)));
            match self.runs.last_mut() {
                Some((of, last)) if *of == source => *last = position(rows.len()),
                _ => self.runs.push((source, position(rows.len()))),
            }
        }
        self.rows = rows;
    }

    /// Takes what batches bring, columns side by side; the longest first, so that no thread waits long for another one.
    fn take_columns<'a>(&'a mut self, batches: &'a PeopleBatches, scope: &ScopeFifo<'a>) {
        let start = self.rows.len();
        let [auth, golf_rsa, cdh, mca, email, phone] = &mut self.keys;
        let (ids, is_sorted, last) = (&mut self.ids, &mut self.is_sorted, &mut self.last);
        let (tenants, firsts, lasts) = (&mut self.tenants, &mut self.firsts, &mut self.lasts);
        let (legacy, default_tenant) = (&mut self.legacy, self.default_tenant);
        let (fixed_lines, tags, more) = (&mut self.fixed_lines, &mut self.tags, &mut self.more);
        scope.spawn_fifo(move |_| take(email, batches, |batch, row| batch.email_key(row)));
        scope.spawn_fifo(move |_| take_phones(phone, fixed_lines, batches));
        scope.spawn_fifo(move |_| {
            take_tenants(tenants, default_tenant, batches);
            take_legacy_numbers(legacy, mca, &tenants.batch, batches, |at, symbol| {
                more.push((RecordIx::at(start + at), KeyKind::Mca, symbol));
            });
        });
        scope.spawn_fifo(move |_| take_numbers(golf_rsa, batches, |batch, row| batch.golf_rsa_id(row)));
        scope.spawn_fifo(move |_| take(auth, batches, |batch, row| batch.auth_user_id(row)));
        scope.spawn_fifo(move |_| {
            for (source, batch) in batches {
                *is_sorted = *is_sorted && follows(last, *source, batch);
                (0..batch.len()).for_each(|row| {
                    ids.push(batch.source_id(row));
                });
            }
        });
        scope.spawn_fifo(move |_| take_numbers(cdh, batches, |batch, row| batch.cdh_id(row)));
        scope.spawn_fifo(move |_| {
            take(firsts, batches, |batch, row| batch.first_key(row));
            take_tags(&mut firsts.vocabulary, batches, |at, tag| tags.push((RecordIx::at(start + at), tag)));
        });
        scope.spawn_fifo(move |_| take(lasts, batches, |batch, row| batch.last_key(row)));
    }

    fn features(&self, batch: &people::Columns, row: usize, at: usize) -> Features {
        let is_deleted = batch.deleted_at(row).is_some();
        let gender = match batch.gender(row) {
            Gender::Male => 1,
            Gender::Female => 2,
            Gender::Other | Gender::Unknown => 0,
        };
        let state = match is_deleted {
            true => DELETED,
            false if batch.may_found(row) => MAY_FOUND,
            false => 0,
        };
        let born = if is_deleted { 0 } else { born(batch, row) };
        let mut keys = KeyKind::ALL.map(|kind| if kind == KeyKind::Mca { NONE } else { self.keys[kind as usize].batch[at] });
        keys[KeyKind::Mca as usize] = self.legacy.batch[at];
        Features {
            keys,
            first: self.firsts.batch[at],
            last: self.lasts.batch[at],
            born,
            tenant: u16::try_from(self.tenants.batch[at].0).expect("fewer than 65,536 tenants"),
            skip: batch.skip_reason(row).unwrap_or(SkipReason::NoKey) as u8 | generation(batch, row) << 4,
            flags: gender | state,
        }
    }

    /// Adds a batch of a source's further identifiers, before or after its person records.
    pub fn identifiers(&mut self, source: Source, batch: &identifiers::Columns) {
        for row in 0..batch.len() {
            let Some(kind) = batch.kind(row).and_then(KeyKind::of).filter(|_| batch.is_key(row)) else { continue };
            let id = self.further_ids.push(batch.source_id(row));
            // The region of an MCA number is known only with the person's tenant; until then the bare number is kept.
            let value = match kind {
                KeyKind::GolfRsa | KeyKind::Cdh | KeyKind::Mca => {
                    self.scratch.clear();
                    push_number_key(batch.value(row), &mut self.scratch);
                    self.scratch.as_str()
                }
                KeyKind::Auth | KeyKind::Email | KeyKind::Phone => batch.value(row),
            };
            let symbol = self.keys[kind as usize].interner.intern(value);
            self.further.push(Further { source, id, kind, symbol });
        }
    }

    /// The population in record order.
    pub fn finish(mut self, nicknames: &Nicknames) -> Population {
        self.take_in();
        let place = self.arrange();
        let at = |record: RecordIx| place.as_ref().map_or(record, |place| place[record.index()]);
        let mut source_ends = [0; Source::ALL.len()];
        let mut start = 0;
        for &(source, end) in &self.runs {
            source_ends[source as usize] += end - start;
            start = end;
        }
        for at in 1..source_ends.len() {
            source_ends[at] += source_ends[at - 1];
        }
        let spelled = [&self.firsts.vocabulary, &self.lasts.vocabulary];
        let (words, [firsts, lasts]) = alphabetical(spelled);
        self.rows.par_iter_mut().for_each(|row| {
            row.first = firsts[row.first.index()];
            row.last = lasts[row.last.index()];
        });
        let names = Names::new(words, nicknames, self.rows.iter().map(|row| (row.first, row.last)));
        let mut population = Population {
            fixed_lines: self.fixed_lines,
            ids: self.ids,
            source_ends,
            tenants: self.tenants.vocabulary.iter().map(str::to_owned).collect(),
            rows: self.rows,
            texts: Default::default(),
            more: self.more.iter().map(|&(record, kind, symbol)| (at(record), kind, symbol)).collect(),
            tags: self.tags.iter().map(|&(record, tag)| (at(record), firsts[tag.index()])).collect(),
            names,
            births: 0,
        };
        drop(place);
        let mca = &mut self.keys[KeyKind::Mca as usize].interner;
        // In record order the next one is near.
        let key = |further: &Further| PopulationKey { source: further.source, id: self.further_ids.get(further.id) };
        let mut further: Vec<(u128, &Further)> =
            self.further.par_iter().map(|further| (record_order_prefix(key(further).get()), further)).collect();
        further.par_sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| record_order(key(a.1).get(), key(b.1).get())).then(a.1.id.cmp(&b.1.id))
        });
        let mut next = RecordIx(0);
        for (_, further) in further {
            let found = population.find_from(next, key(further).get());
            let (Ok(record) | Err(record)) = found;
            next = record;
            if found.is_err() || population.is_deleted(record) {
                continue;
            }
            if further.kind == KeyKind::Mca {
                let tenant = Symbol(population.at(record).tenant.into());
                for (source, of) in self.legacy.regions {
                    if tenant == of || tenant == NONE {
                        self.scratch.clear();
                        write_mca(source, &mca.text(further.symbol), &mut self.scratch);
                        population.more.push((record, KeyKind::Mca, mca.intern(&self.scratch)));
                    }
                }
            } else {
                population.more.push((record, further.kind, further.symbol));
            }
        }
        population.settle_more();
        population.texts = self.keys.map(|column| column.interner.into_texts());
        population.drop_placeholder_births();
        population
    }

    /// Sorts rows and ids into record order; returns the new position of each, or `None` if they came in order.
    fn arrange(&mut self) -> Option<Vec<RecordIx>> {
        let order = self.order()?;
        let mut place = vec![RecordIx(0); order.len()];
        order.iter().zip(RecordIx::range(0..position(order.len()))).for_each(|(&arrived, now)| place[arrived as usize] = now);
        let mut ids = Arena::default();
        order.iter().for_each(|&arrived| {
            ids.push(&self.ids.get(arrived));
        });
        self.ids = ids;
        self.rows = order.iter().map(|&arrived| self.rows[arrived as usize]).collect();
        Some(place)
    }

    /// Arrival positions in record order; `None` if they arrived in order.
    fn order(&self) -> Option<Vec<u32>> {
        let source = |at: u32| self.runs[self.runs.partition_point(|&(_, end)| end <= at)].0;
        let key = |at: u32| PopulationKey { source: source(at), id: self.ids.get(at) };
        let in_order = |a: u32, b: u32| record_order(key(a).get(), key(b).get());
        if self.is_sorted {
            return None;
        }
        let arrived = (0..position(self.rows.len())).into_par_iter();
        let mut prefixed: Vec<(u128, u32)> = arrived.map(|at| (record_order_prefix(key(at).get()), at)).collect();
        prefixed.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| in_order(a.1, b.1)).then(a.1.cmp(&b.1)));
        Some(prefixed.into_iter().map(|(_, at)| at).collect())
    }
}

/// Interns the texts of a column; deleted records get [`NONE`].
fn take<'a>(column: &mut impl Take, batches: &'a PeopleBatches, text: impl Fn(&'a people::Columns, usize) -> Option<&'a str>) {
    column.clear();
    for (_, batch) in batches {
        column.take((0..batch.len()).map(|row| text(batch, row).filter(|_| is_kept(batch, row))));
    }
}

/// Numbers, and which of them are a place's rather than a person's.
fn take_phones(phone: &mut TextColumn, fixed_lines: &mut SymbolSet, batches: &PeopleBatches) {
    take(phone, batches, |batch, row| batch.phone_key(row));
    for (first, _, batch) in placed(batches) {
        let is_fixed = |row: &usize| batch.phone_class(*row).is_some_and(|class| class != PhoneClass::Mobile);
        (0..batch.len()).filter(is_fixed).for_each(|row| fixed_lines.set(phone.batch[first + row]));
    }
}

/// Tenants, of deleted records too; who has none gets that of those whom nothing places.
fn take_tenants(tenants: &mut WordColumn, default: Symbol, batches: &PeopleBatches) {
    tenants.clear();
    batches.iter().for_each(|(_, batch)| tenants.take((0..batch.len()).map(|row| batch.tenant_id(row))));
    tenants.batch.iter_mut().filter(|tenant| **tenant == NONE).for_each(|tenant| *tenant = default);
}

/// Legacy numbers, which are of their record's tenant; `tell_more` hears those beside the first of a record.
fn take_legacy_numbers(
    legacy: &mut LegacyNumbers,
    mca: &mut TextColumn,
    tenants: &[Symbol],
    batches: &PeopleBatches,
    tell_more: impl FnMut(usize, Symbol),
) {
    legacy.collect(batches, tenants);
    mca.clear();
    mca.take(legacy.texts().map(Some));
    legacy.lay_out(tenants.len(), &mca.batch, tell_more);
}

/// Names in the tags of addresses.
fn take_tags(names: &mut Vocabulary, batches: &PeopleBatches, mut tell: impl FnMut(usize, Symbol)) {
    for (first, _, batch) in placed(batches) {
        let is_tagged = |row: &usize| is_kept(batch, *row) && batch.email_key(*row).is_some();
        for row in (0..batch.len()).filter(is_tagged) {
            if let Some(tag) = batch.email(row).and_then(tag) {
                tell(first + row, names.intern(&tag));
            }
        }
    }
}

/// The same for numbers, in the form in which they are compared.
fn take_numbers<'a>(
    column: &mut TextColumn,
    batches: &'a PeopleBatches,
    text: impl Fn(&'a people::Columns, usize) -> Option<&'a str>,
) {
    column.clear();
    let (mut keys, mut ends) = (String::new(), Vec::new());
    for (_, batch) in batches {
        keys.clear();
        ends.clear();
        for row in 0..batch.len() {
            if let Some(number) = text(batch, row).filter(|_| is_kept(batch, row)) {
                push_number_key(number, &mut keys);
            }
            ends.push(keys.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        column.take(starts.zip(&ends).map(|(start, &end)| (start < end).then(|| &keys[start..end])));
    }
}

/// Given and family names in the form in which they are compared, in alphabetical order, given names of several words also
/// without their blanks; and the new symbol of each name as it was read.
fn alphabetical([firsts, lasts]: [&Vocabulary; 2]) -> (Vocabulary, [Vec<Symbol>; 2]) {
    let firsts: Vec<String> = firsts.iter().map(|name| unmasked(name).trim().to_owned()).collect();
    let lasts: Vec<String> = lasts.iter().map(|name| unmasked(name).replace(' ', "")).collect();
    let plain: Vec<String> = firsts.iter().filter(|name| name.contains(' ')).map(|name| name.replace(' ', "")).collect();
    let mut sorted: Vec<&str> = firsts.iter().chain(&lasts).chain(&plain).map(String::as_str).collect();
    sorted.par_sort_unstable();
    let mut words = Vocabulary::default();
    sorted.iter().for_each(|name| {
        words.intern(name);
    });
    let rank = |name: &String| words.find(name).unwrap_or(NONE);
    let ranks = [&firsts, &lasts].map(|names| names.par_iter().map(rank).collect());
    (words, ranks)
}

/// Replaces look-alike letters in Latin names by Latin ones.
fn unmasked(name: &str) -> String {
    unmask(name).unwrap_or_else(|| name.to_owned())
}
