//! The skeleton of staging that every source shares: each exported row becomes staged rows, a reference, or a reject.
//!
//! A source implements [`Entity`] for each of its raw datasets and lists them in [`each_entity`]; whoever holds the data (the step
//! with its files, a test with its batches) is a [`Visitor`]. Batches are independent once the [`Survey`] of the whole source is
//! done, so they are staged in parallel and written in order.

mod codes;
#[cfg(test)]
pub(in crate::sources) mod lab;
mod person;
mod rules;
mod sheet;
mod survey;
mod tally;
mod typed;
mod unique;

use std::borrow::Cow;

use crate::model::date::{DateKind, DateRules};
use crate::model::email::EmailReader;
use crate::model::name::NameReader;
use crate::model::phone::PhoneReader;
use crate::model::text::whole;
use crate::model::{Reason, SkipReason, Source};
use crate::sources::{mca, messaging, scl, teetime};
use crate::tables::{Columns as _, Table};

use codes::gender;
pub use codes::{Home, status};
pub use person::{Cell, Founding, PersonCells, raw_copy, stage_person};
pub(in crate::sources) use rules::act;
pub use rules::{Rules, RulesError, StagingOptions, Tenancy};
pub use sheet::{Sheet, Staged};
pub use survey::{GenderLetter, Survey, SurveyError};
pub use tally::{FindingKey, Tally, TypedCells};
pub use unique::{Uniqueness, Verdict};

/// What becomes of one exported row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It became staged rows.
    Staged,
    /// It has no row of its own.
    Reference(SkipReason),
    /// It could not be read.
    Rejected(Reason),
    /// It could not be read because of a code that is counted already.
    RejectedCode(Reason),
}

/// A raw dataset that can be staged.
pub trait Entity: Table {
    /// The source it belongs to.
    const SOURCE: Source;
    /// The entity, as in the file name after the double underscore.
    const ENTITY: &'static str;
    /// Whether the whole file must be looked at before its rows can be read.
    const SURVEYED: bool = false;
    /// The columns of dates and times, whose writing is decided for the whole file.
    const DATES: &'static [(&'static str, DateKind)] = &[];

    /// The row's id in its entity.
    fn id<'a>(row: &Self::Row<'a>, buffer: &'a mut String) -> &'a str;

    /// Looks at a batch before anything is staged; how its dates are written is known then.
    fn survey(_columns: &Self::Columns, _rules: &Rules, _survey: &mut Survey) {}

    /// Stages one row; a look-up has no row of its own.
    fn stage(_row: &Self::Row<'_>, _desk: &mut Desk<'_>) -> Disposition {
        Disposition::Reference(SkipReason::Reference)
    }
}

/// Whoever holds the exported batches of a source.
pub trait Visitor {
    /// What can go wrong while reading or writing.
    type Error;

    /// Handles one entity.
    fn visit<T: Entity>(&mut self) -> Result<(), Self::Error>;
}

/// Shows every entity of a source to a visitor, people first.
pub fn each_entity<V: Visitor>(source: Source, visitor: &mut V) -> Result<(), V::Error> {
    match source {
        Source::McaZa => {
            visitor.visit::<mca::za_members::Table>()?;
            visitor.visit::<mca::za_clubs::Table>()?;
            visitor.visit::<mca::za_member_clubs::Table>()?;
            visitor.visit::<mca::za_handicaps::Table>()
        }
        Source::McaUk => {
            visitor.visit::<mca::uk_members::Table>()?;
            visitor.visit::<mca::uk_clubs::Table>()?;
            visitor.visit::<mca::uk_memberships::Table>()
        }
        Source::Scl => {
            visitor.visit::<scl::members::Table>()?;
            visitor.visit::<scl::membership_tiers::Table>()?;
            visitor.visit::<scl::clubs::Table>()?;
            visitor.visit::<scl::sports::Table>()?;
            visitor.visit::<scl::member_clubs::Table>()?;
            visitor.visit::<scl::sport_memberships::Table>()
        }
        Source::Teetime => {
            visitor.visit::<teetime::players::Table>()?;
            visitor.visit::<teetime::clubs::Table>()?;
            visitor.visit::<teetime::courses::Table>()?;
            visitor.visit::<teetime::player_club_memberships::Table>()?;
            visitor.visit::<teetime::associations::Table>()?;
            visitor.visit::<teetime::player_associations::Table>()?;
            visitor.visit::<teetime::player_preferences::Table>()?;
            visitor.visit::<teetime::bookings::Table>()
        }
        Source::Messaging => {
            visitor.visit::<messaging::contacts::Table>()?;
            visitor.visit::<messaging::preferences::Table>()?;
            visitor.visit::<messaging::consent_changes::Table>()?;
            visitor.visit::<messaging::messages::Table>()
        }
    }
}

/// An id of a row in its one spelling.
pub(in crate::sources) fn row_id<'a>(raw: &'a str, buffer: &'a mut String) -> &'a str {
    match whole(raw) {
        Cow::Borrowed(id) => id,
        Cow::Owned(id) => {
            buffer.push_str(&id);
            buffer
        }
    }
}

/// What the staging of one row has at hand: the rules, buffers, where the results go.
pub struct Desk<'a> {
    /// Settings and code maps.
    pub rules: &'a Rules,
    /// What the whole source said beforehand.
    pub survey: &'a Survey,
    /// The staged rows so far.
    pub staged: Staged,
    /// Reasons counted so far.
    pub tally: Tally,
    /// How the dates of the entity's columns are read.
    dates: Vec<(&'static str, DateRules)>,
    /// Reads addresses.
    pub emails: EmailReader,
    /// Reads numbers.
    pub phones: PhoneReader,
    /// Reads names.
    pub names: NameReader,
}

/// Stages one batch. `first_line` is the position of its first row in the export, from 1; `duplicates` are the rows whose id came
/// before, in order.
pub fn stage_batch<T: Entity>(
    columns: &T::Columns,
    first_line: i64,
    duplicates: &[usize],
    rules: &Rules,
    survey: &Survey,
) -> Sheet {
    let mut desk = Desk {
        rules,
        survey,
        staged: Staged::new(columns.len()),
        tally: Tally::new(T::SOURCE, T::ENTITY),
        dates: survey.dates_of(T::ENTITY),
        emails: EmailReader::default(),
        phones: PhoneReader::new(rules.phone_regions()),
        names: NameReader::default(),
    };
    let mut duplicates = duplicates.iter().copied().peekable();
    let mut buffer = String::new();
    for index in 0..columns.len() {
        let row = T::row(columns, index);
        let line = first_line + i64::try_from(index).expect("a batch is shorter than 2^63 rows");
        buffer.clear();
        let id = T::id(&row, &mut buffer);
        desk.tally.begin(id, line);
        let disposition = if duplicates.next_if_eq(&index).is_some() {
            Disposition::Rejected(Reason::DupSourceId)
        } else if id.trim().is_empty() {
            Disposition::Rejected(Reason::MissingId)
        } else {
            T::stage(&row, &mut desk)
        };
        match disposition {
            Disposition::Staged => {}
            Disposition::Reference(reason) => desk.staged.reference(T::ENTITY, id, reason),
            Disposition::Rejected(reason) => desk.tally.reject_row(reason),
            Disposition::RejectedCode(reason) => desk.tally.list_row(reason),
        }
    }
    Sheet::new(desk.staged, desk.tally, columns.len())
}
