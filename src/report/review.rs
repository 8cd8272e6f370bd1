//! The page on which a reviewer judges a sample of pairs: one self-contained file that works offline.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::value::Serde;
use minijinja::{Value, context};

use crate::report::charts::{Waterfall, waterfall};
use crate::report::template;

const TEMPLATE: &str = include_str!("review.html");
const SCRIPT: &str = include_str!("review.js");

/// A sample to judge.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ReviewPage {
    /// Name of the sample. Browsers keep the verdicts under it, so the same sample keeps its verdicts and another one begins empty.
    pub id: String,
    /// Point in time the data is of.
    pub as_of: String,
    /// Whether personal values are masked.
    pub is_masked: bool,
    /// Number of verdicts on links that the checklist needs.
    pub needed: i64,
    /// The pairs.
    pub pairs: Vec<ReviewPair>,
}

/// A pair to judge.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ReviewPair {
    /// First record, `source:entity:id`.
    pub a: String,
    /// Second record.
    pub b: String,
    /// Whether the two are linked; otherwise they are in the review queue.
    pub is_linked: bool,
    /// The stratum from which the pair was drawn.
    pub stratum: String,
    /// The match weight in bits, as in the CSV.
    pub bits: String,
    /// The evidence in words, as in the CSV.
    pub evidence: String,
    /// What the resolution made of the pair, in words.
    pub outcome: String,
    /// The evidence with its weights.
    #[serde(skip)]
    pub waterfall: Waterfall,
    /// The values of both records.
    pub values: Vec<ReviewLine>,
    /// The other records of the profiles of both, and records that could be the same person as well.
    pub others: Vec<ReviewOther>,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// One record has no value, or both have none.
    #[default]
    Unknown,
    /// Equal, or equal in the form in which values are compared.
    Equal,
    /// Different, but the resolution counts them as forms of one value.
    Alike,
    /// The given name of one is the family name of the other.
    Swapped,
    /// Different.
    Different,
}

/// A value of both records.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ReviewLine {
    /// What it is.
    pub label: &'static str,
    /// The value of the first record; empty if it has none.
    pub a: String,
    /// The value of the second record.
    pub b: String,
    /// How they compare.
    pub likeness: Likeness,
}

/// A record that helps to judge a pair.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ReviewOther {
    /// `source:entity:id`.
    pub record: String,
    /// Why it is shown, in words: whose profile it belongs to, or for which record it is a rival.
    pub why: String,
    /// What it is, its value, and which record of the pair has an equal one: `A`, `B`, `A and B`, or nothing.
    pub values: Vec<(&'static str, String, &'static str)>,
}

/// The page; the same sample gives the same bytes.
pub fn render(page: &ReviewPage) -> Result<String> {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    page.pairs.iter().for_each(|pair| *kinds.entry(&pair.stratum).or_default() += 1);
    let evidence: Vec<Value> = page.pairs.iter().map(|pair| Value::from_safe_string(waterfall(&pair.waterfall))).collect();
    template::render(
        TEMPLATE,
        context! { page => Value::from(Serde(page)), evidence, kinds, script => Value::from_safe_string(SCRIPT.to_owned()) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::WaterfallStep;

    fn sample() -> ReviewPage {
        let pair = ReviewPair {
            a: "scl:members:1".to_owned(),
            b: "teetime:players:<2>".to_owned(),
            is_linked: true,
            evidence: "same email, \"quoted\"".to_owned(),
            waterfall: Waterfall {
                steps: vec![WaterfallStep { words: "same email".to_owned(), bits: 8.0, why: None }],
                total: 8.0,
                threshold: 3.0,
            },
            values: vec![ReviewLine {
                label: "given name",
                a: "<script>alert(1)</script>".to_owned(),
                b: "T.".to_owned(),
                likeness: Likeness::Different,
            }],
            others: vec![ReviewOther {
                record: "mca_za:members:3".to_owned(),
                why: "in the profile of A and B".to_owned(),
                values: vec![("email", "t@mail.test".to_owned(), "A")],
            }],
            ..ReviewPair::default()
        };
        ReviewPage { id: "0123".to_owned(), needed: 200, pairs: vec![pair.clone(), pair], ..ReviewPage::default() }
    }

    #[test]
    fn the_page_for_review_loads_nothing() {
        let page = render(&sample()).unwrap();
        for forbidden in ["http://", "https://", "<link", "<img", "url(", "@import", "NaN", "fetch(", "import("] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert_eq!(page.matches("<article").count(), 2);
    }

    #[test]
    fn a_value_that_looks_like_markup_stays_text() {
        let page = render(&sample()).unwrap();
        assert_eq!(page.matches("<script").count(), 1, "its own");
        assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("teetime:players:&lt;2&gt;"), "{page}");
    }

    #[test]
    fn an_empty_sample_renders_too() {
        assert!(render(&ReviewPage::default()).unwrap().contains("Nothing to judge"));
    }
}
