//! Values that are read row by row from staged batches: legacy numbers, tags of emails, numbers in the form in which they are
//! compared.

use crate::model::{NameSuffix, RecordKey, Source, record_order};
use crate::resolve::population::intern::{NONE, Symbol};
use crate::resolve::population::write_mca;
use crate::tables::Columns as _;
use crate::tables::stage::people;

/// Legacy numbers of a batch, with their rows, before they are interned.
pub(super) struct LegacyNumbers {
    pub(super) regions: [(Source, Symbol); 2],
    pub(super) texts: String,
    /// Rows, with the end of their number in the text.
    pub(super) ends: Vec<(u32, u32)>,
    /// The first number of each row.
    pub(super) batch: Vec<Symbol>,
}

impl LegacyNumbers {
    /// Collects legacy numbers. A legacy member has its own number; a player quotes a number of its tenant's region, or of both
    /// regions if the tenant is not known.
    pub(super) fn collect(&mut self, batches: &[(Source, people::Columns)], tenants: &[Symbol]) {
        self.texts.clear();
        self.ends.clear();
        for (first, source, batch) in placed(batches) {
            for row in (0..batch.len()).filter(|&row| is_kept(batch, row)) {
                let (at, tenant) = (first + row, tenants[first + row]);
                if source.is_mca() {
                    self.push(at, source, batch.source_id(row));
                } else if let Some(quoted) = batch.mca_id(row) {
                    for (region, of) in self.regions {
                        if tenant == NONE || tenant == of {
                            self.push(at, region, quoted);
                        }
                    }
                }
            }
        }
    }

    fn push(&mut self, row: usize, source: Source, number: &str) {
        write_mca(source, "", &mut self.texts);
        push_number_key(number, &mut self.texts);
        self.ends.push((position(row), u32::try_from(self.texts.len()).expect("a batch stays below 4 GiB")));
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end as usize));
        starts.zip(&self.ends).map(|(start, &(_, end))| &self.texts[start..end as usize])
    }

    /// Gives each row its first number, and calls back with further ones.
    pub(super) fn lay_out(&mut self, rows: usize, symbols: &[Symbol], mut tell_more: impl FnMut(usize, Symbol)) {
        self.batch.clear();
        self.batch.resize(rows, NONE);
        for (&(row, _), &symbol) in self.ends.iter().zip(symbols) {
            match &mut self.batch[row as usize] {
                first @ &mut NONE => *first = symbol,
                _ => tell_more(row as usize, symbol),
            }
        }
    }
}

/// Batches with the position of their first row.
pub(super) fn placed(batches: &[(Source, people::Columns)]) -> impl Iterator<Item = (usize, Source, &people::Columns)> {
    batches.iter().scan(0, |next, (source, batch)| {
        let first = *next;
        *next += batch.len();
        Some((first, *source, batch))
    })
}

pub(super) fn is_kept(batch: &people::Columns, row: usize) -> bool {
    batch.deleted_at(row).is_none()
}

/// Appends a number without separators and leading zeros, in upper case.
pub(super) fn push_number_key(number: &str, out: &mut String) {
    let mut letters = number.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).peekable();
    while letters.next_if_eq(&'0').is_some() {}
    out.extend(letters);
}

/// Whether a batch is in record order, and comes after what arrived last.
pub(super) fn follows(last: &mut Option<(Source, String)>, source: Source, batch: &people::Columns) -> bool {
    let Some(end) = batch.len().checked_sub(1) else { return true };
    let key = |row: usize| RecordKey { source, id: batch.source_id(row) };
    let is_next = last.as_ref().is_none_or(|(source, id)| record_order(RecordKey { source: *source, id }, key(0)).is_le());
    *last = Some((source, batch.source_id(end).to_owned()));
    is_next && (0..end).all(|row| record_order(key(row), key(row + 1)).is_le())
}

/// The letters of an email's `+tag`, if they may be a name.
pub(super) fn tag(email: &str) -> Option<String> {
    // Few emails have a tag.
    let (name, rest) = email.split_once('+')?;
    let (tag, _) = rest.split_once('@').filter(|_| !name.contains('@'))?;
    let letters: String = tag.chars().filter(char::is_ascii_alphabetic).collect();
    (letters.len() >= 3).then_some(letters)
}

pub(super) fn position(at: usize) -> u32 {
    u32::try_from(at).expect("records are counted in 32 bits")
}

/// A record's birth date as the number yyyymmdd, 0 if absent. A date that no living person can have is not displayed, but it is
/// compared.
pub(super) fn born(batch: &people::Columns, row: usize) -> u32 {
    match batch.born_on(row).and_then(|day| day.date()) {
        Some(date) => number_of_date(date),
        None => batch.born_raw(row).map_or(0, written_date),
    }
}

/// A date written as yyyy-mm-dd or yyyymmdd, which need not exist (`1994-24-07`, `10610308`); 0 for other texts and for 1 January, the
/// default of many forms.
fn written_date(raw: &str) -> u32 {
    let raw = raw.trim();
    let is_dashed = raw.len() == 10 && raw.as_bytes()[4] == b'-' && raw.as_bytes()[7] == b'-';
    let digits = || raw.bytes().filter(u8::is_ascii_digit);
    if digits().count() != 8 || (!is_dashed && raw.len() != 8) {
        return 0;
    }
    let number = digits().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    if number % 10_000 == 101 { 0 } else { number }
}

/// The generation suffix of a record's name as a number: 1 senior, 2 junior or second, then third and fourth; 0 without one.
pub(super) fn generation(batch: &people::Columns, row: usize) -> u8 {
    match batch.name_suffix(row) {
        None => 0,
        Some(NameSuffix::Senior) => 1,
        Some(NameSuffix::Junior | NameSuffix::Second) => 2,
        Some(NameSuffix::Third) => 3,
        Some(NameSuffix::Fourth) => 4,
    }
}

fn number_of_date(date: chrono::NaiveDate) -> u32 {
    use chrono::Datelike;
    u32::try_from(date.year()).unwrap_or(0) * 10_000 + date.month() * 100 + date.day()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_separators_and_leading_zeros_in_one_case() {
        let key = |number: &str| {
            let mut key = String::new();
            push_number_key(number, &mut key);
            key
        };
        assert_eq!(key("gr-1808-928"), "GR1808928");
        assert_eq!(key("002700212320"), "2700212320");
        assert_eq!(key("27 0021 2320"), "2700212320");
        assert_eq!(key("000"), "");
    }

    #[test]
    fn an_impossible_birth_date_is_compared_and_a_default_is_not() {
        assert_eq!(written_date("1908-12-09"), 19_081_209);
        assert_eq!(written_date("19081209"), 19_081_209);
        assert_eq!(["1994-24-07", "10610308"].map(written_date), [19_942_407, 10_610_308]);
        assert_eq!(["1900-01-01", "9.12.1908", "0823334455", ""].map(written_date), [0; 4]);
    }
}
