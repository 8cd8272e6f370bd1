//! Compares texts regardless of case and of blanks at their ends.
//!
//! Case is folded letter by letter with Unicode's simple mapping to lower case. PostgreSQL's collation providers disagree on two
//! letters, so both evaluators fold these themselves: U+0130 (capital I with a dot) becomes i, U+03C2 (final sigma) becomes
//! U+03C3.

/// The blanks that are removed at the ends. The SQL evaluator uses the same list.
pub const BLANKS: &[char] = &[' ', '\t', '\n', '\r', '\x0b', '\x0c'];

/// The folded form of a text, for comparison.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Writes the folded form into a buffer, so that a column is folded without an allocation per cell.
pub fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    for letter in text.trim_matches(BLANKS).chars() {
        let mut lower = letter.to_lowercase();
        folded.push(match (letter, lower.next(), lower.next()) {
            ('\u{130}', ..) => 'i',
            ('\u{3c2}', ..) => '\u{3c3}',
            (_, Some(single), None) => single,
            // No other letter has a longer lower case.
            _ => letter,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_outer_blanks_do_not_matter_but_inner_ones_do() {
        assert_eq!(fold(" Gold\tMember\n"), "gold\tmember");
        assert_eq!(fold("ÉMILE Ōta"), "émile ōta");
        assert_ne!(fold("a  b"), fold("a b"));
    }

    #[test]
    fn dotted_capital_i_and_final_sigma_fold_as_their_plain_letters() {
        assert_eq!(fold("\u{130}lker"), "ilker");
        assert_eq!(fold("I\u{131}"), "i\u{131}", "a dotless i is a letter of its own");
        assert_eq!(fold("ΜΑΡΙΟΣ"), fold("Μάριος".replace('ά', "α").as_str()));
    }
}
