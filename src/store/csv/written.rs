//! Writes datasets as CSV dumps that `--csv` reads back exactly, for any value.

use std::io::Write;

use anyhow::Result;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::model::text::is_null_word;
use crate::model::{Day, Timestamp};
use crate::tables::printable;

/// Writes batches of one dataset as a dump: a header, then a line for each row; null is the empty cell.
pub struct DumpWriter<W: Write> {
    writer: csv::Writer<W>,
    /// Rows written.
    pub rows: u64,
    /// Cells with a dump's word for null, which are read back as null.
    pub null_words: u64,
}

impl<W: Write> DumpWriter<W> {
    /// Starts with the header.
    pub fn new<'a>(to: W, names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(names)?;
        Ok(Self { writer, rows: 0, null_words: 0 })
    }

    /// Appends the selected rows of a batch.
    pub fn write(&mut self, batch: &RecordBatch, is_asked: impl Fn(usize) -> bool) -> Result<()> {
        let options = FormatOptions::default();
        let printable: Vec<ArrayRef> = batch.columns().iter().map(printable).collect();
        let formatters = printable.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let formatters = formatters.collect::<Result<Vec<_>, _>>()?;
        for row in (0..batch.num_rows()).filter(|row| is_asked(*row)) {
            for (column, formatter) in batch.columns().iter().zip(&formatters) {
                let text = cell(column, row).unwrap_or_else(|| formatter.value(row).to_string());
                if matches!(column.data_type(), DataType::Utf8) && is_null_word(&text) {
                    self.null_words += 1;
                }
                self.writer.write_field(text)?;
            }
            self.writer.write_record(None::<&[u8]>)?;
            self.rows += 1;
        }
        Ok(())
    }

    /// Completes the dump; returns what it was written to.
    pub fn finish(self) -> Result<W> {
        self.writer.into_inner().map_err(|error| error.into_error().into())
    }
}

/// A cell in the format of PostgreSQL's CSV; `None` for types whose usual format is the same.
fn cell(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return Some(String::new());
    }
    let any = column.as_any();
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row).to_owned()),
        DataType::Boolean => {
            any.downcast_ref::<BooleanArray>().map(|values| if values.value(row) { "t" } else { "f" }.to_owned())
        }
        DataType::Date32 => any.downcast_ref::<Date32Array>().map(|values| day_text(Day(values.value(row)))),
        DataType::Timestamp(..) => {
            any.downcast_ref::<TimestampMicrosecondArray>().map(|values| instant_text(Timestamp(values.value(row))))
        }
        _ => None,
    }
}

/// `2024-05-01`, `0044-03-15 BC`, `infinity`.
fn day_text(day: Day) -> String {
    match day {
        Day::INFINITY => "infinity".to_owned(),
        Day::NEG_INFINITY => "-infinity".to_owned(),
        Day(day) => {
            let (date, era) = date_text(i64::from(day));
            format!("{date}{era}")
        }
    }
}

/// `2024-05-01 10:00:00.5`, without a zone: raw instants are UTC, or local where the source keeps local time.
fn instant_text(at: Timestamp) -> String {
    match at {
        Timestamp::INFINITY => "infinity".to_owned(),
        Timestamp::NEG_INFINITY => "-infinity".to_owned(),
        Timestamp(micros) => {
            let (date, era) = date_text(micros.div_euclid(Timestamp::DAY));
            let within = micros.rem_euclid(Timestamp::DAY);
            let (seconds, fraction) = (within / 1_000_000, within % 1_000_000);
            let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
            format!("{date} {:02}:{:02}:{:02}{fraction}{era}", seconds / 3600, seconds / 60 % 60, seconds % 60)
        }
    }
}

/// The date of a day since 1970 and its era, by the proleptic Gregorian calendar: years begin in March, eras have 400 years.
fn date_text(day: i64) -> (String, &'static str) {
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    // There is no year 0: 1 BC is the year before 1.
    let (year, suffix) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_and_days_have_their_spelling() {
        assert_eq!(instant_text(Timestamp(0)), "1970-01-01 00:00:00");
        assert_eq!(instant_text(Timestamp(-1)), "1969-12-31 23:59:59.999999");
        assert_eq!(instant_text(Timestamp(951_782_400_000_000)), "2000-02-29 00:00:00");
        assert_eq!(day_text(Day(-719_163)), "0001-12-31 BC");
        assert_eq!(day_text(Day::NEG_INFINITY), "-infinity");
        assert_eq!(instant_text(Timestamp::INFINITY), "infinity");
        assert_eq!(day_text(Day(6_666_667)), "20222-09-19");
    }
}
