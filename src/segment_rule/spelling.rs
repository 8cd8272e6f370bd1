//! Operators as common rule builders spell them: `=`, `beginsWith`, `is_empty`, `doesNotEndWith`, `notBetween`.

use crate::model::Code as _;
use crate::segment_rule::Operator;
use crate::segment_rule::error::{Place, RuleError, hint, shortened};

/// An operator as a rule has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpelledOperator {
    /// One of ours.
    pub operator: Operator,
    /// Whether the rule means its opposite, which a missing value does not fulfil either.
    pub is_opposite: bool,
}

impl From<Operator> for SpelledOperator {
    fn from(operator: Operator) -> Self {
        Self { operator, is_opposite: false }
    }
}

/// Spellings without blanks, hyphens and underscores, in small letters.
const SPELLINGS: &[(Operator, &[&str])] = &[
    (Operator::Eq, &["=", "==", "is", "equal", "equals", "equalto"]),
    (Operator::Neq, &["!=", "<>", "ne", "isnot", "notequal", "notequals", "doesnotequal", "notequalto"]),
    (Operator::Gt, &[">", "greater", "greaterthan", "isgreaterthan"]),
    (Operator::Gte, &[">=", "greaterorequal", "greaterthanorequal", "greaterthanorequalto"]),
    (Operator::Lt, &["<", "less", "lessthan", "islessthan"]),
    (Operator::Lte, &["<=", "lessorequal", "lessthanorequal", "lessthanorequalto"]),
    (Operator::In, &["isoneof", "anyof"]),
    (Operator::NotIn, &["nin", "isnotoneof", "noneof"]),
    (Operator::NotContains, &["doesnotcontain"]),
    (Operator::StartsWith, &["beginswith"]),
    (Operator::IsNull, &["null", "empty", "isempty", "notexists", "doesnotexist"]),
    (Operator::IsNotNull, &["notnull", "notempty", "isnotempty", "exists"]),
];

/// Opposites that our language writes with `not`.
const OPPOSITES: &[(Operator, &[&str])] = &[
    (Operator::StartsWith, &["notstartswith", "doesnotstartwith", "notbeginswith", "doesnotbeginwith"]),
    (Operator::EndsWith, &["notendswith", "doesnotendwith"]),
    (Operator::Between, &["notbetween", "isnotbetween"]),
];

/// Reads an operator, ignoring case, blanks, hyphens and underscores.
pub fn spelled(text: &str, place: &Place<'_>) -> Result<SpelledOperator, RuleError> {
    let bare = |text: &str| text.replace(['_', '-', ' '], "").to_ascii_lowercase();
    let word = bare(text);
    let among = |list: &[(Operator, &[&str])]| {
        list.iter().find(|(_, spellings)| spellings.contains(&word.as_str())).map(|(operator, _)| *operator)
    };
    let own = Operator::ALL.iter().copied().find(|known| bare(known.code()) == word);
    if let Some(operator) = own.or_else(|| among(SPELLINGS)) {
        return Ok(operator.into());
    }
    if let Some(operator) = among(OPPOSITES) {
        return Ok(SpelledOperator { operator, is_opposite: true });
    }
    if matches!(word.as_str(), "regex" | "$regex" | "matches") {
        return Err(place.error("regular expressions are not supported; use \"contains\", \"startsWith\" or \"endsWith\""));
    }
    // A hint must not turn a rule into its opposite.
    let negates = |word: &str| word.starts_with(['n', '!']) || word.contains("not") || word.contains("none");
    let alike = Operator::ALL.iter().map(|known| known.code()).filter(|code| negates(&bare(code)) == negates(&word));
    Err(place.error(format!("{:?} is not an operator{}", shortened(text), hint(text, alike))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_means_one_operator() {
        let mut seen = std::collections::BTreeSet::new();
        let own = Operator::ALL.iter().map(|operator| operator.code().to_ascii_lowercase());
        for spelling in own.chain(SPELLINGS.iter().chain(OPPOSITES).flat_map(|(_, all)| all.iter().map(|one| (*one).to_owned())))
        {
            assert!(spelled(&spelling, &Place::Root).is_ok(), "{spelling}");
            assert!(seen.insert(spelling.clone()), "{spelling} twice");
        }
        let read = |text: &str| spelled(text, &Place::Root).map(|found| (found.operator, found.is_opposite));
        assert_eq!(read("does_not_contain"), Ok((Operator::NotContains, false)));
        assert_eq!(read("Is Empty"), Ok((Operator::IsNull, false)));
        assert_eq!(read("doesNotBeginWith"), Ok((Operator::StartsWith, true)));
    }

    #[test]
    fn a_hint_never_turns_a_rule_into_its_opposite() {
        let told = |text: &str| spelled(text, &Place::Root).unwrap_err().what;
        assert_eq!(told("contain"), r#""contain" is not an operator; did you mean "contains"?"#);
        assert_eq!(told("notContain"), r#""notContain" is not an operator; did you mean "notContains"?"#);
        for text in ["nott", "noin", "!in", "isnt", "notstart", "nbetween", "noteq"] {
            let told = told(text);
            let advised = told.split("mean \"").nth(1);
            assert!(
                advised.is_none_or(|advised| advised.to_ascii_lowercase().contains('n') && !advised.starts_with("in\"")),
                "{told}"
            );
        }
        assert!(told("$regex").contains("startsWith"));
    }
}
