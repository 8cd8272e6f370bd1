//! Genders and member statuses by their maps, with the documented fallbacks.

use crate::model::text::{FoldedCode, is_null_word};
use crate::model::{CustomerStatus, Gender, Reason, StatusTag};
use crate::sources::staging::{Cell, Desk, GenderLetter, Rules, Survey, Tally};

/// Whether a member has a home club, which decides what a blank status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// A home club is named.
    Club,
    /// None is.
    None,
}

/// The gender of a cell; a title tells only where the cell is empty.
pub(super) fn gender(tally: &mut Tally, rules: &Rules, survey: &Survey, cell: Cell<'_>, title: Option<&str>) -> Gender {
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
    let letter = (FoldedCode::of(raw).as_str() == "g").then(|| survey.gender_letter());
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

/// What a member's status means.
pub fn status(desk: &mut Desk<'_>, cell: Cell<'_>, home: Home) -> (CustomerStatus, Option<StatusTag>) {
    let Some(raw) = cell.raw.map(str::trim).filter(|raw| !raw.is_empty() && !is_null_word(raw)) else {
        desk.tally.note(cell.column, Reason::StatusBlank);
        return (if home == Home::Club { CustomerStatus::Active } else { CustomerStatus::Inactive }, None);
    };
    match desk.rules.reference.statuses.get(raw) {
        Some(status) => *status,
        None => {
            desk.tally.note_code(cell.column, Reason::StatusUnmapped, raw);
            (CustomerStatus::Inactive, None)
        }
    }
}
