//! First pass over a source (data profiling): facts about all rows that decide how each row is read, such as date order, frequent
//! placeholders, tenants of members.

use std::collections::BTreeMap;

use arrow::array::{AsArray as _, RecordBatch};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::date::{DateProfile, DateRules, MixedOrder};
use crate::model::text::FoldedCode;
use crate::model::zone::Zone;
use crate::model::{AliasType, Source};
use crate::sources::staging::{Entity, Rules};

/// A handicap of exactly zero counts as missing where more than 1 in 20 handicaps of a column are zero …
const ZERO_SHARE: u64 = 20;
/// … and at least this many.
const ZERO_LEAST: u64 = 10;

/// The meaning of `g` in a gender column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenderLetter {
    /// Gent, next to l for lady.
    Gent,
    /// Girl, next to b for boy.
    Girl,
    /// The column does not decide it.
    Unclear,
}

/// A source with contradictory facts.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the dates of {source_name}.{entity}.{column} prove two orders: {mixed}")]
pub struct FirstPassError {
    /// The source.
    pub source_name: Source,
    /// The exported entity.
    pub entity: &'static str,
    /// The column.
    pub column: &'static str,
    /// How many dates prove each order, and the position of the first.
    pub mixed: MixedOrder,
}

/// A player's association numbers: golfRsaId, cdhId, mcaId; the first of each in export order.
type Quoted = [Option<Box<str>>; 3];

/// An entity and one of its columns.
type ProfiledColumn = (&'static str, &'static str);

/// The facts about a source.
#[derive(Default)]
pub struct FirstPass {
    columns: BTreeMap<ProfiledColumn, DateProfile>,
    dates: BTreeMap<ProfiledColumn, DateRules>,
    genders: [bool; 2],
    handicaps: (u64, u64),
    zones: HashMap<String, Option<Zone>, FixedState>,
    quoted: HashMap<String, Quoted, FixedState>,
    withheld: HashMap<String, Withheld, FixedState>,
}

/// What any row of a contact's id takes back. An id that came twice is one contact, and the later row may be the newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    /// It was deleted.
    pub is_deleted: bool,
    /// Its flag for email refuses.
    pub refuses_email: bool,
    /// Its flag for text messages refuses.
    pub refuses_sms: bool,
}

impl FirstPass {
    /// Profiles the date columns of a batch.
    pub fn see_dates<T: Entity>(&mut self, batch: &RecordBatch) {
        for (column, kind) in T::DATES {
            let Some(cells) = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>()) else { continue };
            let seen = self.columns.entry((T::ENTITY, column)).or_insert_with(|| DateProfile::of(*kind));
            for cell in cells {
                match cell {
                    Some(cell) => seen.see(cell),
                    None => seen.skip(1),
                }
            }
        }
    }

    /// Decides how the dates of each column are read. Must be called before the other facts are gathered, which may need it.
    pub fn settle_dates(&mut self, source: Source, rules: &Rules) -> Result<(), FirstPassError> {
        for ((entity, column), seen) in std::mem::take(&mut self.columns) {
            let setting = rules.date_order(source, entity, column);
            let decided = seen.rules(setting).map_err(|mixed| FirstPassError { source_name: source, entity, column, mixed })?;
            self.dates.insert((entity, column), decided);
        }
        Ok(())
    }

    /// How the dates of an entity's columns are read.
    pub fn dates_of(&self, entity: &str) -> Vec<(&'static str, DateRules)> {
        let of_entity = self.dates.iter().filter(|((of, _), _)| *of == entity);
        of_entity.map(|((_, column), rules)| (*column, *rules)).collect()
    }

    /// Profiles a gender cell.
    pub fn see_gender(&mut self, raw: &str) {
        match FoldedCode::of(raw).as_str() {
            "l" => self.genders[0] = true,
            "b" => self.genders[1] = true,
            _ => {}
        }
    }

    /// Profiles a handicap cell.
    pub fn see_handicap(&mut self, raw: &str) {
        let raw = raw.trim();
        if !raw.is_empty() {
            self.handicaps.0 += 1;
            self.handicaps.1 += u64::from(raw.bytes().all(|byte| matches!(byte, b'0' | b'.' | b',')) && raw.starts_with('0'));
        }
    }

    /// Remembers the zone of a member's tenant.
    pub fn see_zone(&mut self, member: &str, zone: Option<Zone>) {
        self.zones.insert(member.to_owned(), zone);
    }

    /// Remembers an association number that a player quotes.
    pub fn see_number(&mut self, player: &str, kind: AliasType, number: &str) {
        if let Some(place) = place(kind) {
            let quoted = self.quoted.entry_ref(player).or_default();
            quoted[place].get_or_insert_with(|| number.into());
        }
    }

    /// Remembers what a row takes back.
    pub fn see_withheld(&mut self, contact: &str, row: Withheld) {
        if row == Withheld::default() {
            return;
        }
        let known = self.withheld.entry_ref(contact).or_default();
        known.is_deleted |= row.is_deleted;
        known.refuses_email |= row.refuses_email;
        known.refuses_sms |= row.refuses_sms;
    }

    /// What all rows of a contact's id take back.
    pub fn withheld(&self, contact: &str) -> Withheld {
        self.withheld.get(contact).copied().unwrap_or_default()
    }

    /// The meaning of `g`.
    pub fn gender_letter(&self) -> GenderLetter {
        match self.genders {
            [true, false] => GenderLetter::Gent,
            [false, true] => GenderLetter::Girl,
            _ => GenderLetter::Unclear,
        }
    }

    /// Whether a handicap of exactly zero means none.
    pub fn zero_is_missing(&self) -> bool {
        let (all, zeros) = self.handicaps;
        zeros >= ZERO_LEAST && zeros * ZERO_SHARE > all
    }

    /// The zone of a member's tenant.
    pub fn zone(&self, member: &str) -> Option<Zone> {
        self.zones.get(member).copied().flatten()
    }

    /// The association number of a kind that is used for a player.
    pub fn number(&self, player: &str, kind: AliasType) -> Option<&str> {
        self.quoted.get(player)?[place(kind)?].as_deref()
    }
}

fn place(kind: AliasType) -> Option<usize> {
    [AliasType::GolfRsaId, AliasType::CdhId, AliasType::McaId].iter().position(|known| *known == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_handicaps_are_missing_only_where_they_are_frequent() {
        let mut first_pass = FirstPass::default();
        (0..10).for_each(|_| first_pass.see_handicap("0.0"));
        (0..190).for_each(|_| first_pass.see_handicap("12.4"));
        assert!(!first_pass.zero_is_missing(), "exactly 5 %");
        first_pass.see_handicap("0");
        assert!(first_pass.zero_is_missing());
    }

    #[test]
    fn g_is_decided_by_the_column() {
        let mut first_pass = FirstPass::default();
        assert_eq!(first_pass.gender_letter(), GenderLetter::Unclear);
        first_pass.see_gender("L");
        assert_eq!(first_pass.gender_letter(), GenderLetter::Gent);
        first_pass.see_gender("b");
        assert_eq!(first_pass.gender_letter(), GenderLetter::Unclear);
    }
}
