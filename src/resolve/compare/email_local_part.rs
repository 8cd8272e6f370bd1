//! Compares the local part of an email with a person's name: people put their own names there, and so do other people of the
//! household.

use crate::resolve::compare::names::Names;
use crate::resolve::population::intern::{NONE, Symbol};

/// The relation of the local part to a person's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// It contains the person's given name, or a form of it.
    First,
    /// It contains the surname and the person's initial.
    Initial,
    /// It contains the surname alone.
    Surname,
    /// It contains the surname and another initial.
    OtherInitial,
    /// It contains another given name.
    Other,
    /// It contains another surname.
    OtherFamily,
    /// It contains neither.
    Silent,
}

/// Longest local part that is examined; longer ones are not personal.
const LONGEST: usize = 48;

/// Compares the local part of an email with a person's name.
pub fn mailbox(names: &Names, email: &str, first: Symbol, last: Symbol) -> Mailbox {
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
    if local.len() > LONGEST || first == NONE {
        return Mailbox::Silent;
    }
    let (given, family) = (names.text(first), names.text(last));
    if given.len() > 2 && local.contains(given) {
        return Mailbox::First;
    }
    let mut buffer = [0u8; LONGEST];
    let letters = letters_of(local, &mut buffer);
    if family.len() > 2 {
        let rest = letters.strip_suffix(family).or_else(|| letters.strip_prefix(family));
        if let Some(rest) = rest {
            return match rest.len() {
                0 => Mailbox::Surname,
                1 if given.starts_with(rest) => Mailbox::Initial,
                1 => Mailbox::OtherInitial,
                _ => of_name(names, rest, first).unwrap_or(Mailbox::Surname),
            };
        }
        if family.len() > 3 && letters.contains(family) {
            return Mailbox::Surname;
        }
    }
    let token = local.split(|letter: char| !letter.is_alphabetic()).find(|token| !token.is_empty()).unwrap_or_default();
    of_name(names, token, first).unwrap_or_else(|| of_family(names, local))
}

/// Looks for a frequent surname: a word of the local part, or all of it except its first or last letter.
fn of_family(names: &Names, local: &str) -> Mailbox {
    let is_family = |word: &str| word.len() > 3 && names.find(word).is_some_and(|name| names.is_common_family(name));
    let mut words = local.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| word.len() > 3);
    if words.any(|word| is_family(word) || is_family(&word[1..]) || is_family(&word[..word.len() - 1])) {
        Mailbox::OtherFamily
    } else {
        Mailbox::Silent
    }
}

/// Whether a word is a given name, and whether it is the person's.
fn of_name(names: &Names, word: &str, first: Symbol) -> Option<Mailbox> {
    let named = names.find(word).filter(|_| word.len() > 2)?;
    if names.compare_first(named, first).agrees() {
        return Some(Mailbox::First);
    }
    names.is_common_given(named).then_some(Mailbox::Other)
}

fn letters_of<'a>(local: &str, buffer: &'a mut [u8; LONGEST]) -> &'a str {
    let mut length = 0;
    for byte in local.bytes().filter(u8::is_ascii_alphabetic) {
        buffer[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    std::str::from_utf8(&buffer[..length]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::compare::nicknames::Nicknames;
    use crate::resolve::population::words::Vocabulary;

    fn says(email: &str, first: &str, last: &str) -> Mailbox {
        let mut words = ["john", "mary", "smith", "elizabeth", "liz", first, last].to_vec();
        words.sort_unstable();
        words.dedup();
        let mut all = Vocabulary::default();
        let symbols: Vec<Symbol> = words.iter().map(|word| all.intern(word)).collect();
        let borne = [symbols.clone(), symbols.clone(), symbols.clone()].concat().into_iter().map(|symbol| (symbol, symbol));
        let names = Names::new(all, &Nicknames::parse(Nicknames::COMMITTED).unwrap(), borne);
        mailbox(&names, email, names.find(first).unwrap(), names.find(last).unwrap())
    }

    #[test]
    fn a_local_part_names_its_person_in_many_ways() {
        assert_eq!(says("john.smith@mail.test", "john", "smith"), Mailbox::First);
        assert_eq!(says("jsmith12@mail.test", "john", "smith"), Mailbox::Initial);
        assert_eq!(says("smithj@mail.test", "john", "smith"), Mailbox::Initial);
        assert_eq!(says("smith@mail.test", "john", "smith"), Mailbox::Surname);
        assert_eq!(says("liz77@mail.test", "elizabeth", "smith"), Mailbox::First);
        assert_eq!(says("golfer@mail.test", "john", "smith"), Mailbox::Silent);
    }

    #[test]
    fn a_local_part_may_name_another_person() {
        assert_eq!(says("mary.smith@mail.test", "john", "smith"), Mailbox::Other);
        assert_eq!(says("msmith@mail.test", "john", "smith"), Mailbox::OtherInitial);
        assert_eq!(says("mary44@mail.test", "john", "smith"), Mailbox::Other);
    }
}
