//! Bar charts: horizontal for rankings, upright for distributions, split for parts of a whole.

use super::{WIDTH, count, length, rectangle, svg, text};

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Label.
    pub label: String,
    /// Value.
    pub value: i64,
    /// Text of the tooltip; label and value if empty.
    pub tip: String,
    /// Colour class.
    pub class: &'static str,
}

impl Bar {
    /// A bar in the first colour.
    pub fn new(label: impl Into<String>, value: i64) -> Self {
        Self { label: label.into(), value, tip: String::new(), class: "s1" }
    }

    fn tip(&self) -> String {
        if self.tip.is_empty() { format!("{}: {}", self.label, count(self.value)) } else { self.tip.clone() }
    }
}

const ROW: f64 = 22.0;
const LABELS: f64 = 250.0;

/// Horizontal bars, one per line, with their values.
pub fn bars(title: &str, rows: &[Bar]) -> String {
    let most = rows.iter().map(|row| row.value).max().unwrap_or(0);
    let full = WIDTH - LABELS - 90.0;
    let mut body = String::new();
    for (index, row) in rows.iter().enumerate() {
        let y = index as f64 * ROW;
        let width = length(row.value, most, full);
        body += &text(LABELS - 8.0, y + 15.0, "end", &row.label);
        body += &rectangle(LABELS, y + 3.0, width, ROW - 7.0, row.class, &row.tip());
        body += &text(LABELS + width + 6.0, y + 15.0, "number", &count(row.value));
    }
    svg(title, (rows.len() as f64 * ROW).max(ROW), &body)
}

/// Upright bars on a common scale. `is_log` draws logarithmic lengths, for charts in which one bar would hide the others. `marks`
/// are lines before the bar of that index, each with a label.
pub fn columns(title: &str, rows: &[Bar], is_log: bool, marks: &[(usize, &str)]) -> String {
    const HEIGHT: f64 = 170.0;
    let most = rows.iter().map(|row| row.value).max().unwrap_or(0);
    let scaled = |value: i64| if is_log { ((value as f64).ln_1p() * 1000.0) as i64 } else { value };
    let step = WIDTH / rows.len().max(1) as f64;
    let every = rows.len().div_ceil(24).max(1);
    let mut body = String::new();
    for (index, row) in rows.iter().enumerate() {
        let height = length(scaled(row.value), scaled(most), HEIGHT - 40.0);
        let x = index as f64 * step;
        body += &rectangle(x + 1.0, HEIGHT - 20.0 - height, step - 2.0, height, row.class, &row.tip());
        if row.value > 0 && step >= 34.0 {
            body += &text(x + step / 2.0, HEIGHT - 25.0 - height, "number mid", &count(row.value));
        }
        if index % every == 0 {
            body += &text(x + step / 2.0, HEIGHT - 5.0, "mid", &row.label);
        }
    }
    for (index, word) in marks {
        let x = *index as f64 * step;
        body +=
            &format!("<line x1=\"{0}\" y1=\"4\" x2=\"{0}\" y2=\"{1}\" class=\"mark\"/>", super::at(x), super::at(HEIGHT - 20.0));
        body += &text(x + 5.0, 14.0, "note", word);
    }
    svg(title, HEIGHT, &body)
}

/// A whole and its parts.
#[derive(Clone, Debug)]
pub struct Split {
    /// Label of the whole.
    pub label: String,
    /// Part, colour class, value.
    pub parts: Vec<(String, &'static str, i64)>,
}

/// Horizontal bars of equal length, each split into its parts.
pub fn splits(title: &str, rows: &[Split]) -> String {
    let full = WIDTH - 130.0;
    let mut body = String::new();
    for (index, row) in rows.iter().enumerate() {
        let y = index as f64 * (ROW + 8.0);
        body += &text(122.0, y + 17.0, "end", &row.label);
        let whole: i64 = row.parts.iter().map(|part| part.2).sum();
        let mut x = 130.0;
        for (name, class, value) in &row.parts {
            let width = if whole > 0 { *value as f64 / whole as f64 * full } else { 0.0 };
            body += &rectangle(x, y + 2.0, width, ROW, class, &format!("{}, {name}: {}", row.label, count(*value)));
            if width > 60.0 {
                body += &text(x + 6.0, y + 17.0, "inside", &count(*value));
            }
            x += width;
        }
    }
    svg(title, (rows.len() as f64 * (ROW + 8.0)).max(ROW), &body)
}
