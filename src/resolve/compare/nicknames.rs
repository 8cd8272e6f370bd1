//! The table of nicknames: which given names are forms of one name.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::spreadsheet::{Spreadsheet, is_wide};
use crate::model::text::fold_name;

/// Which given names are forms of one name (`data/reference/nicknames.csv`). A line without forms marks a name of its own that is
/// not a misspelling of another.
#[derive(Default)]
pub struct Nicknames {
    classes: HashMap<String, Vec<u16>, FixedState>,
}

impl Nicknames {
    /// The committed table.
    pub const COMMITTED: &str = include_str!("../../../data/reference/nicknames.csv");

    /// Reads `name,short_forms,language` (short forms separated by blanks), names in any case and with accents; `Err` names the
    /// first bad line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut classes: HashMap<String, Vec<u16>, FixedState> = HashMap::with_hasher(FixedState::with_seed(0x2d));
        let spreadsheet =
            Spreadsheet::read(text)?.filter(|spreadsheet| spreadsheet.has_header(&["name", "short_forms", "language"]));
        let spreadsheet = spreadsheet.ok_or("line 1: the header must be name,short_forms,language")?;
        for (class, (line, row)) in spreadsheet.rows.iter().enumerate() {
            if !is_wide(row, 3) {
                return Err(format!("line {line}: three fields are needed"));
            }
            let class = u16::try_from(class).map_err(|_| format!("line {line}: more than 65,535 names"))?;
            for form in std::iter::once(&row[0]).chain(row[1].split(' ')).filter(|form| !form.is_empty()) {
                let mut folded = String::new();
                fold_name(form, &mut folded);
                classes.entry(folded).or_default().push(class);
            }
        }
        Ok(Self { classes })
    }

    /// The classes of a folded name.
    pub fn of(&self, name: &str) -> &[u16] {
        self.classes.get(name).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> Nicknames {
        Nicknames::parse(Nicknames::COMMITTED).unwrap()
    }

    #[test]
    fn names_that_relatives_share_are_not_forms_of_each_other() {
        for (a, b) in [
            ("jake", "jack"),
            ("jonathan", "nathan"),
            ("julia", "juliet"),
            ("joanna", "joan"),
            ("alice", "alicia"),
            ("helen", "ellen"),
            ("amelia", "amy"),
            ("paula", "pauline"),
            ("hannes", "jan"),
            ("kobus", "jaco"),
            ("pieter", "pierre"),
            ("andries", "andre"),
            ("sipho", "nosipho"),
            ("thabo", "thabiso"),
            ("siyabonga", "siyabulela"),
            ("themba", "thembi"),
            ("sanjay", "sanjeev"),
            ("ajay", "ajit"),
            ("rajesh", "rajiv"),
        ] {
            let (a_class, b_class) = (committed().of(a).to_vec(), committed().of(b).to_vec());
            assert!(!a_class.iter().any(|class| b_class.contains(class)), "{a} {b}");
        }
    }

    #[test]
    fn the_committed_forms_are_many_in_each_language_and_in_compared_shape() {
        let lines: Vec<Vec<&str>> = Nicknames::COMMITTED.lines().skip(1).map(|line| line.split(',').collect()).collect();
        for (language, least) in [("english", 300), ("afrikaans", 150), ("african", 150), ("indian", 100), ("other", 100)] {
            assert!(lines.iter().filter(|line| line[2] == language).count() >= least, "{language}");
        }
        for line in &lines {
            let forms = line[1].split(' ').filter(|form| !form.is_empty());
            let names: Vec<&str> = std::iter::once(line[0]).chain(forms).collect();
            let mut distinct = names.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), names.len(), "twice on one line: {line:?}");
            for name in names {
                let mut folded = String::new();
                fold_name(name, &mut folded);
                assert!(folded == name && name.len() > 1, "an initial, or not as names are compared: {line:?}");
            }
        }
        let order = |line: &Vec<&str>| {
            let language = ["english", "afrikaans", "african", "indian", "other"].iter().position(|known| *known == line[2]);
            (language.expect("one of five"), line[0].to_owned(), line[1].to_owned())
        };
        assert!(lines.iter().map(order).collect::<Vec<_>>().is_sorted_by(|a, b| a < b), "in order, no line twice");
    }

    #[test]
    fn nickname_lines_of_the_operator_are_read_in_any_letter_case() {
        let own = Nicknames::parse("\u{feff}name,short_forms,language\r\nJosé,Pepe  Zé,other\r\n").unwrap();
        assert_eq!((own.of("jose"), own.of("pepe"), own.of("ze")), (&[0][..], &[0][..], &[0][..]));
        assert_eq!(
            Nicknames::parse("name,short_forms,language\nonly\n").err().as_deref(),
            Some("line 2: three fields are needed")
        );
    }
}
