//! Maps genders and member statuses, with the documented fallbacks.

use crate::model::text::{FoldedCode, is_null_word};
use crate::model::{CustomerStatus, Gender, Reason, StatusTag};
use crate::sources::staging::{FirstPass, GenderLetter, NamedCell, Rules, StageTally, StagingContext};

/// Whether a member has a home club, which decides the meaning of a blank status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// The member has a home club.
    Club,
    /// The member has no home club.
    None,
}

/// The gender of a cell; derived from the title only where the cell is empty.
pub(super) fn gender(
    tally: &mut StageTally,
    rules: &Rules,
    first_pass: &FirstPass,
    cell: NamedCell<'_>,
    title: Option<&str>,
) -> Gender {
    let genders = &rules.reference.genders;
    let raw = cell.raw.map(str::trim).filter(|raw| !raw.is_empty());
    if raw.is_some_and(is_null_word) {
        tally.note(cell.column, Reason::TextNullWord);
    }
    let Some(raw) = raw.filter(|raw| !is_null_word(raw)) else {
        let told = title.and_then(|title| genders.get(title)).copied().filter(|gender| *gender != Gender::Unknown);
        if told.is_some() {
            tally.note(cell.column, Reason::GenderFromTitle);
        }
        return told.unwrap_or(Gender::Unknown);
    };
    if let Some(gender) = genders.get(raw) {
        return *gender;
    }
    let letter = (FoldedCode::of(raw).as_str() == "g").then(|| first_pass.gender_letter());
    let decided = match letter {
        Some(GenderLetter::Gent) => Gender::Male,
        Some(GenderLetter::Girl) => Gender::Female,
        Some(GenderLetter::Unclear) | None => {
            tally.note_code(cell.column, Reason::GenderUnmapped, raw);
            return Gender::Unknown;
        }
    };
    tally.note(cell.column, Reason::GenderByColumn);
    decided
}

/// The meaning of a member's status.
pub fn status(context: &mut StagingContext<'_>, cell: NamedCell<'_>, home: Home) -> (CustomerStatus, Option<StatusTag>) {
    let Some(raw) = cell.raw.map(str::trim).filter(|raw| !raw.is_empty() && !is_null_word(raw)) else {
        context.tally.note(cell.column, Reason::StatusBlank);
        return (if home == Home::Club { CustomerStatus::Active } else { CustomerStatus::Inactive }, None);
    };
    match context.rules.reference.statuses.get(raw) {
        Some(status) => *status,
        None => {
            context.tally.note_code(cell.column, Reason::StatusUnmapped, raw);
            (CustomerStatus::Inactive, None)
        }
    }
}
