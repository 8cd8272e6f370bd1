//! From staged batches, in any order and any size, to the population in record order.

use rayon::prelude::*;

use crate::model::{Code, Gender, PhoneClass, RecordKey, SkipReason, Source, record_order, record_order_prefix};
use crate::resolve::Options;
use crate::resolve::arena::Arena;
use crate::resolve::intern::{Interner, Marks, NONE, Symbol};
use crate::resolve::names::{Names, Nicknames, Words, unmask};
use crate::resolve::population::{DELETED, Features, Key, KeyKind, MAY_FOUND, Population, Record, write_mca};
use crate::tables::Columns as _;
use crate::tables::stage::{identifiers, people};

/// A further identifier that waits for its record's position.
struct Further {
    source: Source,
    id: u32,
    kind: KeyKind,
    symbol: Symbol,
}

/// A column of texts, and the numbers of those of one batch.
#[derive(Default)]
struct Column {
    interner: Interner,
    batch: Vec<Symbol>,
}

/// The text of a row, if it has one.
type Value<'a> = Box<dyn Fn(usize) -> Option<&'a str> + Send + Sync + 'a>;

impl Column {
    fn read(&mut self, rows: usize, value: &Value<'_>) {
        self.batch.clear();
        self.interner.intern_all((0..rows).map(value), &mut self.batch);
    }
}

/// Takes staged batches in any order and any size, and gives the population in record order.
pub struct Gathering {
    legacy_tenants: [(Source, Symbol); 2],
    /// The tenant of those whom nothing places; none if another record may place them.
    default_tenant: Symbol,
    /// The source of the rows up to a position.
    runs: Vec<(Source, Record)>,
    /// Whether all came in record order so far, and what came last.
    is_sorted: bool,
    last: Option<(Source, String)>,
    ids: Arena,
    rows: Vec<Features>,
    tenants: Column,
    firsts: Column,
    lasts: Column,
    keys: [Column; 6],
    fixed_lines: Marks,
    more: Vec<(Record, KeyKind, Symbol)>,
    further: Vec<Further>,
    further_ids: Arena,
    tags: Vec<(Record, Symbol)>,
    scratch: String,
}

impl Gathering {
    /// Empty, with room for so many records; more may come.
    pub fn new(options: &Options, records: usize) -> Self {
        let mut tenants = Column::default();
        let mut tenant = |text: &str| tenants.interner.intern(text);
        let legacy_tenants = [(Source::McaZa, tenant(&options.mca_za_tenant)), (Source::McaUk, tenant(&options.mca_uk_tenant))];
        let default_tenant = if options.adopt_tenantless { NONE } else { tenant(&options.default_tenant) };
        Self {
            legacy_tenants,
            default_tenant,
            runs: Vec::new(),
            is_sorted: true,
            last: None,
            ids: Arena::default(),
            rows: Vec::with_capacity(records),
            tenants,
            firsts: Column::default(),
            lasts: Column::default(),
            keys: Default::default(),
            fixed_lines: Marks::default(),
            more: Vec::new(),
            further: Vec::new(),
            further_ids: Arena::default(),
            tags: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Takes a batch of a source's people.
    pub fn people(&mut self, source: Source, batch: &people::Columns) {
        let end = position(self.rows.len() + batch.len());
        match self.runs.last_mut() {
            Some((of, last)) if *of == source => *last = end,
            _ => self.runs.push((source, end)),
        }
        self.is_sorted = self.is_sorted && self.follows(source, batch);
        self.columns(batch);
        let mut mca = std::mem::take(&mut self.keys[KeyKind::Mca as usize]);
        let mut tenants = std::mem::take(&mut self.tenants.batch);
        let unplaced = tenants.iter_mut().filter(|tenant| **tenant == NONE);
        unplaced.for_each(|tenant| *tenant = self.default_tenant);
        let legacy = self.legacy_tenants;
        let start = self.rows.len();
        self.rows.resize(start + batch.len(), Features::default());
        let mut rows = std::mem::take(&mut self.rows);
        let (more, ()) = rayon::join(
            || legacy_numbers(&mut mca, legacy, source, batch, &tenants),
            || {
                let places = rows[start..].par_iter_mut().with_min_len(1024).enumerate();
                places.for_each(|(row, place)| *place = self.features(batch, row, tenants[row]));
            },
        );
        self.rows = rows;
        for row in (0..batch.len()).filter(|&row| batch.deleted_at(row).is_none()) {
            if batch.phone_class(row).is_some_and(|class| class != PhoneClass::Mobile) {
                self.fixed_lines.set(self.keys[KeyKind::Phone as usize].batch[row]);
            }
            if let (Some(email), Some(_)) = (batch.email(row).filter(|email| email.contains('+')), batch.email_key(row)) {
                self.tag(position(start + row), email);
            }
        }
        let legacy_keys = self.rows[start..].iter_mut().zip(&mca.batch);
        legacy_keys.for_each(|(row, &symbol)| row.keys[KeyKind::Mca as usize] = symbol);
        self.more.extend(more.into_iter().map(|(row, symbol)| (position(start + row), KeyKind::Mca, symbol)));
        self.keys[KeyKind::Mca as usize] = mca;
        self.tenants.batch = tenants;
    }

    /// Whether a batch is in record order, and comes after all that arrived before.
    fn follows(&mut self, source: Source, batch: &people::Columns) -> bool {
        let Some(last) = batch.len().checked_sub(1) else { return true };
        let key = |row: usize| RecordKey { source, id: batch.source_id(row) };
        let is_next =
            self.last.as_ref().is_none_or(|(source, id)| record_order(RecordKey { source: *source, id }, key(0)).is_le());
        self.last = Some((source, batch.source_id(last).to_owned()));
        is_next && (0..last).into_par_iter().with_min_len(4096).all(|row| record_order(key(row), key(row + 1)).is_le())
    }

    /// Gives numbers to the texts of a batch, several columns at once; the legacy numbers want the tenant and come later.
    fn columns(&mut self, batch: &people::Columns) {
        let is_kept = |row: usize| batch.deleted_at(row).is_none();
        let [auth, golf_rsa, cdh, _, email, phone] = &mut self.keys;
        let mut columns: [(&mut Column, Value<'_>); 8] = [
            (email, Box::new(|row| batch.email_key(row).filter(|_| is_kept(row)))),
            (phone, Box::new(|row| batch.phone_key(row).filter(|_| is_kept(row)))),
            (&mut self.firsts, Box::new(|row| batch.first_key(row).filter(|_| is_kept(row)))),
            (&mut self.lasts, Box::new(|row| batch.last_key(row).filter(|_| is_kept(row)))),
            (auth, Box::new(|row| batch.auth_user_id(row).filter(|_| is_kept(row)))),
            (golf_rsa, Box::new(|row| batch.golf_rsa_id(row).filter(|_| is_kept(row)))),
            (cdh, Box::new(|row| batch.cdh_id(row).filter(|_| is_kept(row)))),
            (&mut self.tenants, Box::new(|row| batch.tenant_id(row))),
        ];
        let ids = &mut self.ids;
        rayon::join(
            || columns.par_iter_mut().with_max_len(1).for_each(|(column, value)| column.read(batch.len(), value)),
            || {
                (0..batch.len()).for_each(|row| {
                    ids.push(batch.source_id(row));
                });
            },
        );
    }

    fn features(&self, batch: &people::Columns, row: usize, tenant: Symbol) -> Features {
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
        let born = batch.born_on(row).filter(|_| !is_deleted).and_then(|day| day.date());
        let keys = KeyKind::ALL.map(|kind| self.keys[kind as usize].batch.get(row).copied().unwrap_or(NONE));
        Features {
            keys,
            first: self.firsts.batch[row],
            last: self.lasts.batch[row],
            born: born.map_or(0, number_of_date),
            tenant: u16::try_from(tenant).expect("fewer than 65,536 tenants"),
            skip: batch.skip_reason(row).unwrap_or(SkipReason::NoKey) as u8,
            flags: gender | state,
        }
    }

    /// Takes a batch of a source's further identifiers, in any order relative to its people.
    pub fn identifiers(&mut self, source: Source, batch: &identifiers::Columns) {
        for row in 0..batch.len() {
            let Some(kind) = batch.kind(row).and_then(KeyKind::of).filter(|_| batch.is_key(row)) else { continue };
            let id = self.further_ids.push(batch.source_id(row));
            // The region of an MCA number shows only with the person's tenant; until then it is the bare number.
            let symbol = self.keys[kind as usize].interner.intern(batch.value(row));
            self.further.push(Further { source, id, kind, symbol });
        }
    }

    fn tag(&mut self, record: Record, email: &str) {
        let Some((local, _)) = email.split_once('@') else { return };
        let Some((_, tag)) = local.split_once('+') else { return };
        self.scratch.clear();
        self.scratch.extend(tag.chars().filter(char::is_ascii_alphabetic));
        if self.scratch.len() >= 3 {
            let symbol = self.firsts.interner.intern(&self.scratch);
            self.tags.push((record, symbol));
        }
    }

    /// The population in record order.
    pub fn finish(mut self, nicknames: &Nicknames) -> Population {
        let place = self.arrange();
        let at = |record: Record| place.as_ref().map_or(record, |place| place[record as usize]);
        let mut source_ends = [0; Source::ALL.len()];
        let mut start = 0;
        for &(source, end) in &self.runs {
            source_ends[source as usize] += end - start;
            start = end;
        }
        for at in 1..source_ends.len() {
            source_ends[at] += source_ends[at - 1];
        }
        let (words, [firsts, lasts]) = alphabetical([self.firsts.interner.into_all(), self.lasts.interner.into_all()]);
        self.rows.par_iter_mut().for_each(|row| {
            row.first = firsts[row.first as usize];
            row.last = lasts[row.last as usize];
        });
        let names = Names::new(words, nicknames, self.rows.iter().map(|row| (row.first, row.last)));
        let mut population = Population {
            fixed_lines: self.fixed_lines,
            ids: self.ids,
            source_ends,
            tenants: self.tenants.interner.into_all(),
            rows: self.rows,
            texts: Default::default(),
            more: self.more.iter().map(|&(record, kind, symbol)| (at(record), kind, symbol)).collect(),
            tags: self.tags.iter().map(|&(record, tag)| (at(record), firsts[tag as usize])).collect(),
            names,
        };
        drop(place);
        let mca = &mut self.keys[KeyKind::Mca as usize].interner;
        // In record order the next one is never far.
        let key = |further: &Further| Key { source: further.source, id: self.further_ids.get(further.id) };
        let mut further: Vec<(u128, &Further)> =
            self.further.par_iter().map(|further| (record_order_prefix(key(further).get()), further)).collect();
        further.par_sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| record_order(key(a.1).get(), key(b.1).get())).then(a.1.id.cmp(&b.1.id))
        });
        let mut next = 0;
        for (_, further) in further {
            let found = population.find_from(next, key(further).get());
            let (Ok(record) | Err(record)) = found;
            next = record;
            if found.is_err() || population.is_deleted(record) {
                continue;
            }
            if further.kind == KeyKind::Mca {
                let tenant = Symbol::from(population.at(record).tenant);
                for (source, of) in self.legacy_tenants {
                    if tenant == of || tenant == 0 {
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

    /// Puts rows and ids in record order, unless they came so; gives the place of each arrival.
    fn arrange(&mut self) -> Option<Vec<Record>> {
        let order = self.order()?;
        let mut place = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&arrived, now)| place[arrived as usize] = now);
        let mut ids = Arena::default();
        order.iter().for_each(|&arrived| {
            ids.push(&self.ids.get(arrived));
        });
        self.ids = ids;
        self.rows = order.iter().map(|&arrived| self.rows[arrived as usize]).collect();
        Some(place)
    }

    /// Arrival positions in record order; `None` if that is how they arrived.
    fn order(&self) -> Option<Vec<Record>> {
        let source = |at: u32| self.runs[self.runs.partition_point(|&(_, end)| end <= at)].0;
        let key = |at: u32| Key { source: source(at), id: self.ids.get(at) };
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

/// A legacy member bears its own number; a player quotes one of its tenant's region, or of both when no tenant is known. Gives the second
/// numbers with their rows.
fn legacy_numbers(
    mca: &mut Column,
    regions: [(Source, Symbol); 2],
    source: Source,
    batch: &people::Columns,
    tenants: &[Symbol],
) -> Vec<(usize, Symbol)> {
    let mut more = Vec::new();
    let mut text = String::new();
    mca.batch.clear();
    for (row, &tenant) in tenants.iter().enumerate() {
        let mut number = |source, id| {
            write_mca(source, id, &mut text);
            mca.interner.intern(&text)
        };
        let mut first = NONE;
        match batch.mca_id(row) {
            _ if batch.deleted_at(row).is_some() => {}
            _ if source.is_mca() => first = number(source, batch.source_id(row)),
            None => {}
            Some(quoted) if tenant == NONE => {
                first = number(Source::McaZa, quoted);
                more.push((row, number(Source::McaUk, quoted)));
            }
            Some(quoted) => {
                for (region, _) in regions.into_iter().filter(|&(_, of)| of == tenant) {
                    match first {
                        NONE => first = number(region, quoted),
                        _ => more.push((row, number(region, quoted))),
                    }
                }
            }
        }
        mca.batch.push(first);
    }
    more
}

fn position(at: usize) -> Record {
    Record::try_from(at).expect("records are counted in 32 bits")
}

fn number_of_date(date: chrono::NaiveDate) -> u32 {
    use chrono::Datelike;
    u32::try_from(date.year()).unwrap_or(0) * 10_000 + date.month() * 100 + date.day()
}

/// Given and family names as they are compared, in alphabetical order, and the new symbol of each as it was read.
fn alphabetical([firsts, lasts]: [Vec<String>; 2]) -> (Words, [Vec<Symbol>; 2]) {
    let firsts: Vec<String> = firsts.into_iter().map(|name| unmasked(name).trim().to_owned()).collect();
    let lasts: Vec<String> = lasts.into_iter().map(|name| unmasked(name).replace(' ', "")).collect();
    let mut sorted: Vec<&str> = std::iter::once("").chain(firsts.iter().chain(&lasts).map(String::as_str)).collect();
    sorted.par_sort_unstable();
    sorted.dedup();
    let rank = |name: &String| position(sorted.binary_search(&name.as_str()).expect("every name was sorted"));
    let ranks = [&firsts, &lasts].map(|names| names.par_iter().map(rank).collect());
    let mut words = Words::default();
    sorted.iter().for_each(|name| {
        words.push(name);
    });
    (words, ranks)
}

/// Look-alike letters among Latin ones become Latin.
fn unmasked(name: String) -> String {
    unmask(&name).unwrap_or(name)
}
