//! What the owner knows of some people (`expectations.csv`): checked on every run, never applied.

use crate::coded;
use crate::model::spreadsheet::{Spreadsheet, is_wide};
use crate::model::{Channel, Code, RecordKey};

coded! {
    /// The kind of an expectation.
    pub enum ExpectationKind {
        /// Two records are one person.
        SamePerson = "same-person",
        /// Two records are two people.
        DifferentPeople = "different-people",
        /// A record's person, or a contact point, must not be contacted on a channel.
        OptedOut = "opted-out",
        /// A record's profile is in a tenant.
        Tenant = "tenant",
    }
}

/// The header of the file.
pub const EXPECTATIONS_HEADER: [&str; 6] = ["kind", "who", "expected", "reason", "by", "at"];

/// What is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedState {
    /// The profile of another record: the same one.
    SameAs(String),
    /// The profile of another record: not the same one.
    NotSameAs(String),
    /// No consent on this channel.
    OptedOut(Channel),
    /// This tenant.
    Tenant(String),
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The line, as an editor counts them.
    pub line: u64,
    /// Its kind.
    pub kind: ExpectationKind,
    /// The key of a record, or of an opt-out an email or phone.
    pub who: String,
    /// What is expected of it.
    pub expected: ExpectedState,
}

impl Expectation {
    /// Whether it is about a contact point and not about a record.
    pub fn is_of_contact_point(&self) -> bool {
        RecordKey::parse(&self.who).is_none()
    }

    /// The records that it names.
    pub fn records(&self) -> impl Iterator<Item = RecordKey<'_>> {
        let other = match &self.expected {
            ExpectedState::SameAs(other) | ExpectedState::NotSameAs(other) => Some(other.as_str()),
            _ => None,
        };
        [Some(self.who.as_str()), other].into_iter().flatten().filter_map(RecordKey::parse)
    }
}

/// Reads the file; the error names the first line that cannot be read, without its content.
pub fn read_expectations(text: &str) -> Result<Vec<Expectation>, String> {
    let Some(spreadsheet) = Spreadsheet::read(text)? else { return Ok(Vec::new()) };
    if !spreadsheet.has_header(&EXPECTATIONS_HEADER) {
        return Err(format!("line 1: the header must be {}", EXPECTATIONS_HEADER.join(",")));
    }
    spreadsheet.rows.iter().map(|(line, row)| expectation(*line, row)).collect()
}

fn expectation(line: u64, record: &csv::StringRecord) -> Result<Expectation, String> {
    if !is_wide(record, EXPECTATIONS_HEADER.len()) && record.len() != 3 {
        return Err(format!("line {line}: the line does not have {} cells", EXPECTATIONS_HEADER.len()));
    }
    let cell = |at: usize| record.get(at).unwrap_or_default();
    let words = |of: &[&str]| of.join(", ");
    let kind = ExpectationKind::from_code(cell(0)).ok_or_else(|| {
        let known: Vec<_> = ExpectationKind::ALL.iter().map(|kind| kind.code()).collect();
        format!("line {line}: kind is one of {}", words(&known))
    })?;
    let (who, expected) = (cell(1).to_owned(), cell(2));
    let is_record = RecordKey::parse(&who).is_some();
    let is_contact_point = kind == ExpectationKind::OptedOut && is_email_or_phone(&who);
    if !is_record && !is_contact_point {
        let or = if kind == ExpectationKind::OptedOut { ", an email or a phone" } else { "" };
        return Err(format!("line {line}: who is a key such as scl:members:1001{or}"));
    }
    let other = || match RecordKey::parse(expected) {
        None => Err(format!("line {line}: expected is the other record, a key such as scl:members:1001")),
        Some(_) if expected == who => Err(format!("line {line}: who and expected are the same record")),
        Some(_) => Ok(expected.to_owned()),
    };
    let expected = match kind {
        ExpectationKind::SamePerson => ExpectedState::SameAs(other()?),
        ExpectationKind::DifferentPeople => ExpectedState::NotSameAs(other()?),
        ExpectationKind::OptedOut => {
            let channel = Channel::from_code(expected).ok_or_else(|| {
                let known: Vec<_> = Channel::ALL.iter().map(|channel| channel.code()).collect();
                format!("line {line}: expected is the channel, one of {}", words(&known))
            })?;
            let is_email = who.contains('@') && !is_record;
            if !is_record && (channel == Channel::Push || is_email != (channel == Channel::Email)) {
                return Err(format!("line {line}: this channel does not use such a contact point; name a record"));
            }
            ExpectedState::OptedOut(channel)
        }
        ExpectationKind::Tenant if expected.is_empty() => return Err(format!("line {line}: expected is the id of a tenant")),
        ExpectationKind::Tenant => ExpectedState::Tenant(expected.to_owned()),
    };
    Ok(Expectation { line, kind, who, expected })
}

fn is_email_or_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    match text.split_once('@') {
        Some((local, domain)) => !local.is_empty() && domain.contains('.'),
        None => digits >= 7 && text.chars().all(|c| c.is_ascii_digit() || "+ ()-./".contains(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "kind,who,expected,reason,by,at\n";

    #[test]
    fn every_kind_is_read_however_the_file_was_saved() {
        let text = format!(
            "{HEADER}same-person,scl:members:1,teetime:players:x,knows him,Eve,2026-11-22\ndifferent-people,scl:members:1,scl:members:2,,,\n\
             \nopted-out,anna@mail.test,EMAIL\nopted-out,scl:members:1,PUSH,,,\nopted-out,+27 82 555 1234,SMS,,,\ntenant,scl:members:1,2,,,\n"
        );
        let plain = read_expectations(&text).unwrap();
        let kinds: Vec<_> = plain.iter().map(|line| (line.line, line.kind.code())).collect();
        assert_eq!(
            kinds,
            [(2, "same-person"), (3, "different-people"), (5, "opted-out"), (6, "opted-out"), (7, "opted-out"), (8, "tenant")]
        );
        assert!(plain[2].is_of_contact_point() && !plain[3].is_of_contact_point());
        assert_eq!(plain[0].records().count(), 2);
        let saved = format!("\u{feff}{}", text.replace(',', ";").replace('\n', "\r\n"));
        assert_eq!(read_expectations(&saved).unwrap(), plain);
        assert_eq!(read_expectations("").unwrap(), []);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_without_its_content() {
        for (line, told) in [
            ("same,scl:members:1,scl:members:2,,,", "line 2: kind is one of same-person"),
            ("same-person,scl:members:1,scl:members:1,,,", "line 2: who and expected"),
            ("same-person,anna@mail.test,scl:members:1,,,", "line 2: who is a key"),
            ("different-people,scl:members:1,scl:players:2,,,", "line 2: expected is the other record"),
            ("opted-out,anna,EMAIL,,,", "line 2: who is a key such as scl:members:1001, an email or a phone"),
            ("opted-out,anna@mail.test,FAX,,,", "line 2: expected is the channel, one of EMAIL, SMS, PUSH, WHATSAPP"),
            ("opted-out,anna@mail.test,SMS,,,", "line 2: this channel"),
            ("opted-out,+27825551234,EMAIL,,,", "line 2: this channel"),
            ("tenant,scl:members:1,,,,", "line 2: expected is the id of a tenant"),
            ("tenant,scl:members:1", "line 2: the line"),
        ] {
            let error = read_expectations(&format!("{HEADER}{line}\n")).unwrap_err();
            assert!(error.starts_with(told), "{line}: {error}");
            assert!(!error.contains("anna"), "{error}");
        }
        assert!(read_expectations("kind,a,b\n").unwrap_err().starts_with("line 1: the header must be"));
    }
}
