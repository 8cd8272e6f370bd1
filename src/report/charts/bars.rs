//! Bar charts: horizontal for rankings, upright for distributions, split for parts of a whole.

use super::{ChartWidth, count, cut, length, rectangle, svg, text, tick};

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
/// Width of the labels beside horizontal bars.
const LABELS: f64 = 250.0;
/// Width of the numbers beside upright bars.
const AXIS: f64 = 46.0;
/// Height of a label above its bar, where there is no room beside it.
const ABOVE: f64 = 15.0;

/// Horizontal bars, one per line, with their values; on narrow screens each label is above its bar.
pub fn bars(title: &str, width: ChartWidth, rows: &[Bar]) -> String {
    let most = rows.iter().map(|row| row.value).max().unwrap_or(0);
    let (left, above) = if width.is_narrow() { (0.0, ABOVE) } else { (LABELS, 0.0) };
    let full = width.pixels() - left - 90.0;
    let line = ROW + above;
    let mut body = String::new();
    for (index, row) in rows.iter().enumerate() {
        let y = index as f64 * line;
        let long = length(row.value, most, full);
        body += &if width.is_narrow() {
            text(0.0, y + 13.0, "", &cut(&row.label, width.pixels()))
        } else {
            text(LABELS - 8.0, y + 15.0, "end", &cut(&row.label, LABELS - 8.0))
        };
        body += &rectangle(left, y + above + 3.0, long, ROW - 7.0, row.class, &row.tip());
        body += &text(left + long + 6.0, y + above + 15.0, "number", &count(row.value));
    }
    svg(title, width, (rows.len() as f64 * line).max(ROW), &body)
}

/// Upright bars on a common scale. `is_log` draws logarithmic lengths, for charts in which one bar would hide the others. `marks`
/// are lines before the bar of that index, each with a label.
pub fn columns(title: &str, width: ChartWidth, rows: &[Bar], is_log: bool, marks: &[(usize, &str)]) -> String {
    const HEIGHT: f64 = 170.0;
    let most = rows.iter().map(|row| row.value).max().unwrap_or(0);
    let scaled = |value: i64| if is_log { ((value as f64).ln_1p() * 1000.0) as i64 } else { value };
    let step = (width.pixels() - AXIS) / rows.len().max(1) as f64;
    // Above the longest bar is room for its number, and above that for the labels of marks.
    let above = if marks.is_empty() { 20.0 } else { 38.0 };
    let height = |value: i64| length(scaled(value), scaled(most), HEIGHT - 20.0 - above);
    // A label needs about this many pixels.
    let every = ((36.0 / step).ceil() as usize).max(1);
    let ticks: Vec<i64> = if is_log {
        std::iter::successors(Some(1_i64), |value| value.checked_mul(10)).take_while(|value| *value <= most).collect()
    } else {
        [most / 2, most].into_iter().filter(|value| *value > 0).collect()
    };
    let mut body: String = ticks.into_iter().map(|value| tick(value, HEIGHT - 20.0 - height(value), AXIS, width)).collect();
    for (index, row) in rows.iter().enumerate() {
        let height = height(row.value);
        let x = AXIS + index as f64 * step;
        body += &rectangle(x + 1.0, HEIGHT - 20.0 - height, step - 2.0, height, row.class, &row.tip());
        if row.value > 0 && step >= 34.0 {
            body += &text(x + step / 2.0, HEIGHT - 25.0 - height, "number mid", &count(row.value));
        }
        if index % every == 0 {
            body += &text(x + step / 2.0, HEIGHT - 5.0, "mid", &row.label);
        }
    }
    for (index, word) in marks {
        let x = AXIS + *index as f64 * step;
        body +=
            &format!("<line x1=\"{0}\" y1=\"4\" x2=\"{0}\" y2=\"{1}\" class=\"mark\"/>", super::at(x), super::at(HEIGHT - 20.0));
        body += &text(x + 5.0, 14.0, "note", word);
    }
    svg(title, width, HEIGHT, &body)
}

/// A whole and its parts.
#[derive(Clone, Debug)]
pub struct Split {
    /// Label of the whole.
    pub label: String,
    /// Part, colour class, value.
    pub parts: Vec<(String, &'static str, i64)>,
}

/// Horizontal bars of equal length, each split into its parts, with the number of each part beside or below the bar, so that no text
/// stands on a colour.
pub fn splits(title: &str, width: ChartWidth, rows: &[Split]) -> String {
    const LINE: f64 = ROW + 20.0;
    let left = if width.is_narrow() { 82.0 } else { 130.0 };
    let full = width.pixels() - left;
    let mut body = String::new();
    for (index, row) in rows.iter().enumerate() {
        let y = index as f64 * LINE;
        body += &text(left - 8.0, y + 17.0, "end", &row.label);
        let whole: i64 = row.parts.iter().map(|part| part.2).sum();
        let mut x = left;
        for (name, class, value) in &row.parts {
            let long = if whole > 0 { *value as f64 / whole as f64 * full } else { 0.0 };
            body += &rectangle(x, y + 2.0, long, ROW - 4.0, class, &format!("{}, {name}: {}", row.label, count(*value)));
            x += long;
        }
        let numbers: Vec<String> = row.parts.iter().map(|(name, _, value)| format!("{} {name}", count(*value))).collect();
        body += &text(left, y + ROW + 11.0, "number small", &numbers.join(" · "));
    }
    svg(title, width, (rows.len() as f64 * LINE).max(ROW), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_mark_is_above_the_number_of_the_longest_bar() {
        let rows = [Bar::new("0–9", 2_000), Bar::new("10–19", 10)];
        let drawn = columns("scores", ChartWidth::Wide, &rows, false, &[(0, "very low")]);
        let height_of = |words: &str| {
            let before = &drawn[..drawn.find(&format!(">{words}</text>")).unwrap()];
            let at = before.rfind("y=\"").unwrap() + 3;
            before[at..].split('"').next().unwrap().parse::<f64>().unwrap()
        };
        assert!(height_of("2,000") - height_of("very low") > 12.0, "{drawn}");
    }
}
