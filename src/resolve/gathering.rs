//! From staged batches, in any order and any size, to the population in record order.

use rayon::prelude::*;

use crate::model::{Code, Gender, PhoneClass, RecordKey, SkipReason, Source, record_order, record_order_prefix};
use crate::resolve::Options;
use crate::resolve::intern::{Arena, Interner, NONE, Symbol};
use crate::resolve::names::{Names, Nicknames, unmask};
use crate::resolve::population::{DELETED, Features, KeyKind, MAY_FOUND, Population, Record};
use crate::tables::Columns as _;
use crate::tables::stage::{identifiers, people};

/// A further identifier that waits for its record's position.
struct Further {
    source: Source,
    id: u32,
    kind: KeyKind,
    symbol: Symbol,
}

/// Takes staged batches in any order and any size, and gives the population in record order.
pub struct Gathering {
    legacy_tenants: [(Source, u16); 2],
    default_tenant: Option<u16>,
    /// The source of the rows up to a position.
    runs: Vec<(Source, Record)>,
    ids: Arena,
    rows: Vec<Features>,
    tenants: Interner,
    names: Interner,
    /// The keys of one batch, kind by kind.
    columns: [Vec<Symbol>; 6],
    interners: [Interner; 6],
    fixed_lines: Vec<Symbol>,
    more: Vec<(Record, KeyKind, Symbol)>,
    further: Vec<Further>,
    further_ids: Arena,
    tags: Vec<(Record, Symbol)>,
    scratch: String,
}

impl Gathering {
    /// Empty.
    pub fn new(options: &Options) -> Self {
        let mut tenants = Interner::default();
        let mut tenant = |text: &str| u16::try_from(tenants.intern(text)).expect("few tenants");
        let legacy_tenants = [(Source::McaZa, tenant(&options.mca_za_tenant)), (Source::McaUk, tenant(&options.mca_uk_tenant))];
        let default_tenant = (!options.adopt_tenantless).then(|| tenant(&options.default_tenant));
        Self {
            legacy_tenants,
            default_tenant,
            runs: Vec::new(),
            ids: Arena::default(),
            rows: Vec::new(),
            tenants,
            names: Interner::default(),
            columns: Default::default(),
            interners: Default::default(),
            fixed_lines: Vec::new(),
            more: Vec::new(),
            further: Vec::new(),
            further_ids: Arena::default(),
            tags: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Takes a batch of a source's people.
    pub fn people(&mut self, source: Source, batch: &people::Columns) {
        let start = self.rows.len();
        let (mut columns, mut interners) = (std::mem::take(&mut self.columns), std::mem::take(&mut self.interners));
        rayon::join(|| intern_keys(batch, &mut columns, &mut interners), || self.all_but_keys(source, batch));
        for kind in KeyKind::ALL.into_iter().filter(|&kind| kind != KeyKind::Mca) {
            let of_batch = self.rows[start..].iter_mut().zip(&columns[kind as usize]);
            of_batch.for_each(|(row, &symbol)| row.keys[kind as usize] = symbol);
        }
        (self.columns, self.interners) = (columns, interners);
        for row in (0..batch.len()).filter(|&row| batch.deleted_at(row).is_none()) {
            let record = position(start + row);
            let Features { keys, tenant, .. } = self.rows[start + row];
            if batch.phone_class(row).is_some_and(|class| class != PhoneClass::Mobile) {
                let number = keys[KeyKind::Phone as usize];
                self.fixed_lines.extend((number != NONE).then_some(number));
            }
            self.mca(record, source, tenant, batch.source_id(row), batch.mca_id(row));
            if let (Some(email), Some(_)) = (batch.email(row), batch.email_key(row)) {
                self.tag(record, email);
            }
        }
    }

    fn all_but_keys(&mut self, source: Source, batch: &people::Columns) {
        let end = position(self.rows.len() + batch.len());
        match self.runs.last_mut() {
            Some((of, last)) if *of == source => *last = end,
            _ => self.runs.push((source, end)),
        }
        for row in 0..batch.len() {
            self.ids.push(batch.source_id(row));
            let tenant = match batch.tenant_id(row) {
                Some(tenant) => u16::try_from(self.tenants.intern(tenant)).expect("fewer than 65,536 tenants"),
                None => self.default_tenant.unwrap_or(0),
            };
            let deleted = batch.deleted_at(row).is_some();
            let gender = match batch.gender(row) {
                Gender::Male => 1,
                Gender::Female => 2,
                Gender::Other | Gender::Unknown => 0,
            };
            let state = if deleted { DELETED } else { 0 } | if batch.may_found(row) && !deleted { MAY_FOUND } else { 0 };
            let (first, last) = if deleted { (None, None) } else { (batch.first_key(row), batch.last_key(row)) };
            let first = self.name(first.unwrap_or_default(), true);
            let last = self.name(last.unwrap_or_default(), false);
            let born = batch.born_on(row).filter(|_| !deleted).and_then(|day| day.date());
            self.rows.push(Features {
                keys: [NONE; 6],
                first,
                last,
                born: born.map_or(0, number_of_date),
                tenant,
                skip: batch.skip_reason(row).unwrap_or(SkipReason::NoKey) as u8,
                flags: gender | state,
            });
        }
    }

    /// Takes a batch of a source's further identifiers, in any order relative to its people.
    pub fn identifiers(&mut self, source: Source, batch: &identifiers::Columns) {
        for row in 0..batch.len() {
            let Some(kind) = batch.kind(row).and_then(KeyKind::of).filter(|_| batch.is_key(row)) else { continue };
            let id = self.further_ids.push(batch.source_id(row));
            // The region of an MCA number shows only with the person's tenant; until then it is the bare number.
            let symbol = self.interners[kind as usize].intern(batch.value(row));
            self.further.push(Further { source, id, kind, symbol });
        }
    }

    fn name(&mut self, key: &str, is_first: bool) -> Symbol {
        let unmasked = unmask(key);
        let key = unmasked.as_deref().unwrap_or(key);
        if is_first || !key.contains(' ') {
            return self.names.intern(key.trim());
        }
        self.scratch.clear();
        self.scratch.extend(key.chars().filter(|letter| *letter != ' '));
        self.names.intern(&self.scratch)
    }

    /// A legacy member bears its own number; a player quotes one of its tenant's region, or of both when no tenant is known.
    fn mca(&mut self, record: Record, source: Source, tenant: u16, id: &str, quoted: Option<&str>) {
        let mut symbols = [NONE; 2];
        if source.is_mca() {
            symbols[0] = self.mca_symbol(source, id);
        } else if let Some(quoted) = quoted {
            let mut regions =
                self.legacy_tenants.iter().filter(|(_, of)| *of == tenant).map(|(source, _)| *source).collect::<Vec<_>>();
            if regions.is_empty() && tenant == 0 {
                regions = vec![Source::McaZa, Source::McaUk];
            }
            for (slot, region) in symbols.iter_mut().zip(regions) {
                *slot = self.mca_symbol(region, quoted);
            }
        }
        self.rows[record as usize].keys[KeyKind::Mca as usize] = symbols[0];
        if symbols[1] != NONE {
            self.more.push((record, KeyKind::Mca, symbols[1]));
        }
    }

    fn mca_symbol(&mut self, source: Source, id: &str) -> Symbol {
        self.scratch.clear();
        self.scratch.push_str(source.code());
        self.scratch.push(':');
        self.scratch.push_str(id);
        self.interners[KeyKind::Mca as usize].intern(&self.scratch)
    }

    fn tag(&mut self, record: Record, email: &str) {
        let Some((local, _)) = email.split_once('@') else { return };
        let Some((_, tag)) = local.split_once('+') else { return };
        self.scratch.clear();
        self.scratch.extend(tag.chars().filter(char::is_ascii_alphabetic));
        if self.scratch.len() >= 3 {
            let symbol = self.names.intern(&self.scratch);
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
        let (name_texts, ranks) = alphabetical(self.names.into_texts());
        self.rows.par_iter_mut().for_each(|row| {
            row.first = ranks[row.first as usize];
            row.last = ranks[row.last as usize];
        });
        let names = Names::new(name_texts, nicknames, self.rows.iter().map(|row| (row.first, row.last)));
        self.fixed_lines.sort_unstable();
        self.fixed_lines.dedup();
        let mut population = Population {
            fixed_lines: self.fixed_lines,
            ids: self.ids,
            source_ends,
            tenants: self.tenants.into_texts(),
            rows: self.rows,
            texts: Default::default(),
            more: self.more.iter().map(|&(record, kind, symbol)| (at(record), kind, symbol)).collect(),
            tags: self.tags.iter().map(|&(record, tag)| (at(record), ranks[tag as usize])).collect(),
            names,
        };
        drop(place);
        let mca = &mut self.interners[KeyKind::Mca as usize];
        for further in &self.further {
            let Some(record) = population.find(RecordKey { source: further.source, id: self.further_ids.get(further.id) }) else {
                continue;
            };
            if population.is_deleted(record) {
                continue;
            }
            if further.kind == KeyKind::Mca {
                let tenant = population.at(record).tenant;
                for (source, of) in self.legacy_tenants {
                    if tenant == of || tenant == 0 {
                        let number = format!("{}:{}", source.code(), mca.text(further.symbol));
                        population.more.push((record, KeyKind::Mca, mca.intern(&number)));
                    }
                }
            } else {
                population.more.push((record, further.kind, further.symbol));
            }
        }
        population.settle_more();
        population.texts = self.interners.map(Interner::into_texts);
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
            ids.push(self.ids.get(arrived));
        });
        self.ids = ids;
        self.rows = order.iter().map(|&arrived| self.rows[arrived as usize]).collect();
        Some(place)
    }

    /// Arrival positions in record order; `None` if that is how they arrived.
    fn order(&self) -> Option<Vec<Record>> {
        let source = |at: u32| self.runs[self.runs.partition_point(|&(_, end)| end <= at)].0;
        let key = |at: u32| RecordKey { source: source(at), id: self.ids.get(at) };
        let order = 0..position(self.rows.len());
        if order.clone().into_par_iter().all(|at| at == 0 || record_order(key(at - 1), key(at)).is_le()) {
            return None;
        }
        let mut prefixed: Vec<(u128, u32)> = order.into_par_iter().map(|at| (record_order_prefix(key(at)), at)).collect();
        prefixed.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| record_order(key(a.1), key(b.1))).then(a.1.cmp(&b.1)));
        Some(prefixed.into_iter().map(|(_, at)| at).collect())
    }
}

fn position(at: usize) -> Record {
    Record::try_from(at).expect("records are counted in 32 bits")
}

/// Every kind by itself, several at once; the legacy numbers want the tenant and come later.
fn intern_keys(batch: &people::Columns, columns: &mut [Vec<Symbol>; 6], interners: &mut [Interner; 6]) {
    let kinds = columns.as_mut_slice().par_iter_mut().zip(interners.as_mut_slice()).zip(KeyKind::ALL.as_slice());
    kinds.with_max_len(1).for_each(|((column, interner), &kind)| {
        let value = |row: usize| match kind {
            KeyKind::Auth => batch.auth_user_id(row),
            KeyKind::GolfRsa => batch.golf_rsa_id(row),
            KeyKind::Cdh => batch.cdh_id(row),
            KeyKind::Email => batch.email_key(row),
            KeyKind::Phone => batch.phone_key(row),
            KeyKind::Mca => None,
        };
        if kind != KeyKind::Mca {
            let kept = |row: usize| batch.deleted_at(row).is_none();
            column.clear();
            column
                .extend((0..batch.len()).map(|row| value(row).filter(|_| kept(row)).map_or(NONE, |text| interner.intern(text))));
        }
    });
}

fn number_of_date(date: chrono::NaiveDate) -> u32 {
    use chrono::Datelike;
    u32::try_from(date.year()).unwrap_or(0) * 10_000 + date.month() * 100 + date.day()
}

/// The texts in alphabetical order and the new symbol of each old one.
fn alphabetical(texts: Arena) -> (Arena, Vec<Symbol>) {
    let count = u32::try_from(texts.len()).expect("symbols are 32-bit");
    let mut order: Vec<u32> = (1..count).collect();
    order.par_sort_unstable_by(|&a, &b| texts.get(a).cmp(texts.get(b)));
    let mut ranks = vec![NONE; texts.len()];
    let mut sorted = Arena::default();
    sorted.push("");
    for &symbol in &order {
        ranks[symbol as usize] = sorted.push(texts.get(symbol));
    }
    (sorted, ranks)
}
