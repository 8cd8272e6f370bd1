//! Manual verdicts on unreadable cells (`reviews.csv`): consent values, deletions, and rows that were looked into.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::coded;
use crate::model::spreadsheet::{Spreadsheet, is_wide};
use crate::model::{Code, Source};

coded! {
    /// A verdict on one cell or row.
    pub enum ReviewVerdict {
        /// The word gives consent.
        OptedIn = "opted-in",
        /// The word withdraws consent.
        OptedOut = "opted-out",
        /// The record is deleted.
        Deleted = "deleted",
        /// The record is not deleted.
        NotDeleted = "not-deleted",
        /// Reviewed; the assumption stands.
        Settled = "settled",
    }
}

/// The header of the file.
pub const REVIEWS_HEADER: [&str; 8] = ["source", "entity", "id", "column", "verdict", "reason", "who", "at"];

/// One cell; the column is empty for a whole row.
type ReviewedCell = (Source, String, String, String);

/// Verdicts by cell. They apply to unreadable cells only; a readable value is never overruled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviews(HashMap<ReviewedCell, ReviewVerdict, FixedState>);

impl Reviews {
    /// Reads the file: separated by commas or semicolons, with or without quotes and byte order mark. An empty text has no
    /// verdicts.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut verdicts = HashMap::with_hasher(FixedState::with_seed(0));
        let Some(spreadsheet) = Spreadsheet::read(text)? else { return Ok(Self(verdicts)) };
        if !spreadsheet.has_header(&REVIEWS_HEADER) {
            return Err(format!("line 1: the header must be {}", REVIEWS_HEADER.join(",")));
        }
        for (line, record) in spreadsheet.rows {
            if !is_wide(&record, REVIEWS_HEADER.len()) {
                return Err(format!("line {line}: the line does not have {} cells", REVIEWS_HEADER.len()));
            }
            let cell = |index: usize| record.get(index).unwrap_or_default();
            let source = Source::from_code(cell(0)).ok_or_else(|| format!("line {line}: the source is not one of the five"))?;
            let known: Vec<_> = ReviewVerdict::ALL.iter().map(|verdict| verdict.code()).collect();
            let verdict = ReviewVerdict::from_code(cell(4))
                .filter(|verdict| verdict.fits(cell(3)))
                .ok_or_else(|| format!("line {line}: the verdict must be one of {} that fits the column", known.join(", ")))?;
            let place = (source, cell(1).to_owned(), cell(2).to_owned(), cell(3).to_owned());
            if place.1.is_empty() || place.2.is_empty() {
                return Err(format!("line {line}: entity and id must not be empty"));
            }
            if verdicts.insert(place, verdict).is_some_and(|former| former != verdict) {
                return Err(format!("line {line}: an earlier line decides the same cell otherwise"));
            }
        }
        Ok(Self(verdicts))
    }

    /// The verdict on a cell; of a whole row with the empty column.
    pub fn verdict(&self, source: Source, entity: &str, id: &str, column: &str) -> Option<ReviewVerdict> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(source, entity.to_owned(), id.to_owned(), column.to_owned())).copied()
    }

    /// The meaning that `reviews.csv` gives to an unreadable consent value.
    pub fn consent(&self, entity: &str, id: &str, column: &str) -> Option<bool> {
        match self.verdict(Source::Messaging, entity, id, column)? {
            ReviewVerdict::OptedIn => Some(true),
            _ => Some(false),
        }
    }
}

impl ReviewVerdict {
    /// Whether the verdict can be given on a column.
    fn fits(self, column: &str) -> bool {
        match self {
            Self::OptedIn | Self::OptedOut => matches!(column, "opted_in" | "consent_after" | "email_opt_in" | "sms_opt_in"),
            Self::Deleted | Self::NotDeleted => column == "deleted_at",
            Self::Settled => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "source,entity,id,column,verdict,reason,who,at\n";

    #[test]
    fn a_verdict_is_found_by_its_cell_with_either_delimiter() {
        let text = format!("{HEADER}messaging,preferences,p1,opted_in,opted-in,said yes,T. Ester,2026-11-22\n");
        for text in [text.clone(), format!("\u{feff}{}", text.replace(',', ";").replace('\n', "\r\n"))] {
            let reviews = Reviews::parse(&text).unwrap();
            assert_eq!(reviews.consent("preferences", "p1", "opted_in"), Some(true));
            assert_eq!(reviews.consent("preferences", "p2", "opted_in"), None);
        }
        assert_eq!(Reviews::parse("").unwrap(), Reviews::default());
    }

    #[test]
    fn an_impossible_verdict_is_rejected_with_its_line() {
        for (line, told) in [
            ("messaging,preferences,p1,opted_in,yes,,,", "line 2: the verdict"),
            ("messaging,preferences,p1,opted_in,deleted,,,", "line 2: the verdict"),
            ("shop,preferences,p1,opted_in,opted-in,,,", "line 2: the source"),
            ("messaging,preferences,,opted_in,opted-in,,,", "line 2: entity and id"),
            ("messaging,preferences,p1", "line 2: the line"),
        ] {
            let error = Reviews::parse(&format!("{HEADER}{line}\n")).unwrap_err();
            assert!(error.starts_with(told), "{line}: {error}");
        }
        assert!(Reviews::parse("id,verdict\n").unwrap_err().starts_with("line 1"));
        let twice = "messaging,contacts,c,deleted_at,deleted,,,\nmessaging,contacts,c,deleted_at,not-deleted,,,\n";
        assert!(Reviews::parse(&format!("{HEADER}{twice}")).unwrap_err().starts_with("line 3"));
    }
}
