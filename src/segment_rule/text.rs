//! How texts are compared: blanks at the ends and the case of letters do not matter.

/// What counts as a blank at the ends; PostgreSQL is given the same list.
pub const BLANKS: &[char] = &[' ', '\t', '\n', '\r', '\x0b', '\x0c'];

/// The form that is compared.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Replaces a buffer's content by the form that is compared, so that a column is folded without an allocation per cell.
pub fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    for letter in text.trim_matches(BLANKS).chars() {
        let mut lower = letter.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(single), None) => folded.push(single),
            // Letters whose lower case is longer stay as they are, as in PostgreSQL.
            _ => folded.push(letter),
        }
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
}
