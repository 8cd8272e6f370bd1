//! The part of staging that all sources share: each exported row becomes staged rows, a reference, or a reject.
//!
//! A source implements [`Entity`] for each of its raw datasets and lists them in [`each_entity`]. The owner of the data (the step
//! with its files, a test with its batches) implements [`Visitor`]. After the [`FirstPass`] over the whole source the batches are
//! independent, so they are staged in parallel and written in order.

mod codes;
mod first_pass;
mod person;
mod rules;
mod staged_batch;
mod tally;
#[cfg(test)]
pub(in crate::sources) mod testing;
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
pub use first_pass::{FirstPass, FirstPassError, GenderLetter, Withheld};
pub use person::{Founding, NamedCell, PersonCells, raw_copy, stage_person};
pub(in crate::sources) use rules::act;
pub use rules::{Rules, RulesError, StagingOptions, Tenancy};
pub use staged_batch::{Staged, StagedBatch};
pub use tally::{FindingKey, StageTally, TypedCells};
pub use unique::{IdVerdict, Uniqueness};

/// The outcome of one exported row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It became staged rows.
    Staged,
    /// It has no staged row of its own.
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
    /// Whether the entity needs a first pass before its rows can be staged.
    const NEEDS_FIRST_PASS: bool = false;
    /// The columns of dates and times, whose format is decided for the whole file.
    const DATES: &'static [(&'static str, DateKind)] = &[];

    /// The row's id in its entity.
    fn id<'a>(row: &Self::Row<'a>, buffer: &'a mut String) -> &'a str;

    /// Profiles a batch before anything is staged. The order of its dates is known by then.
    fn first_pass(_columns: &Self::Columns, _rules: &Rules, _facts: &mut FirstPass) {}

    /// Stages one row. The default is for look-ups, which have no staged row.
    fn stage(_row: &Self::Row<'_>, _context: &mut StagingContext<'_>) -> Disposition {
        Disposition::Reference(SkipReason::Reference)
    }

    /// Stages a row whose id came before: it is left out, unless it holds what must not be lost. `line` is its position in the export.
    fn stage_repeated(_row: &Self::Row<'_>, _line: i64, _context: &mut StagingContext<'_>) -> Disposition {
        Disposition::Rejected(Reason::DupSourceId)
    }
}

/// The owner of the exported batches of a source.
pub trait Visitor {
    /// What can go wrong while reading or writing.
    type Error;

    /// Handles one entity.
    fn visit<T: Entity>(&mut self) -> Result<(), Self::Error>;
}

/// Calls the visitor for every entity of a source, person records first.
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

/// The id of a row in normal form.
pub(in crate::sources) fn row_id<'a>(raw: &'a str, buffer: &'a mut String) -> &'a str {
    match whole(raw) {
        Cow::Borrowed(id) => id,
        Cow::Owned(id) => {
            buffer.push_str(&id);
            buffer
        }
    }
}

/// The context in which a row is staged: rules, buffers and results.
pub struct StagingContext<'a> {
    /// Settings and code maps.
    pub rules: &'a Rules,
    /// The facts about the whole source.
    pub first_pass: &'a FirstPass,
    /// The staged rows so far.
    pub staged: Staged,
    /// Reasons counted so far.
    pub tally: StageTally,
    /// How the dates of the entity's columns are read.
    dates: Vec<(&'static str, DateRules)>,
    /// Reads emails.
    pub emails: EmailReader,
    /// Reads phones.
    pub phones: PhoneReader,
    /// Reads names.
    pub names: NameReader,
}

/// Stages one batch. `line_of` gives the line of each of its rows in the export. `duplicates` are the rows, in order, whose id occurred
/// before.
pub fn stage_batch<T: Entity>(
    columns: &T::Columns,
    line_of: &dyn Fn(usize) -> i64,
    duplicates: &[usize],
    rules: &Rules,
    first_pass: &FirstPass,
) -> StagedBatch {
    let mut context = StagingContext {
        rules,
        first_pass,
        staged: Staged::new(columns.len()),
        tally: StageTally::new(T::SOURCE, T::ENTITY),
        dates: first_pass.dates_of(T::ENTITY),
        emails: EmailReader::default(),
        phones: PhoneReader::new(rules.phone_regions()),
        names: NameReader::default(),
    };
    let mut duplicates = duplicates.iter().copied().peekable();
    let mut buffer = String::new();
    for index in 0..columns.len() {
        let row = T::row(columns, index);
        let line = line_of(index);
        buffer.clear();
        let id = T::id(&row, &mut buffer);
        context.tally.begin(id, line);
        let disposition = if duplicates.next_if_eq(&index).is_some() {
            T::stage_repeated(&row, line, &mut context)
        } else if id.trim().is_empty() {
            Disposition::Rejected(Reason::MissingId)
        } else {
            T::stage(&row, &mut context)
        };
        match disposition {
            Disposition::Staged => {}
            Disposition::Reference(reason) => context.staged.reference(T::ENTITY, id, reason),
            Disposition::Rejected(reason) => context.tally.reject_row(reason),
            Disposition::RejectedCode(reason) => context.tally.list_row(reason),
        }
    }
    StagedBatch::new(context.staged, context.tally, columns.len())
}
