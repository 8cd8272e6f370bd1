//! Charts over time: stacked months, and the steps of a run.

use super::{WIDTH, at, count, length, rectangle, svg, text};

const COLOURS: [&str; 8] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/// Stacked upright bars, one per month. `marks` are lines at a month, each with a label.
pub fn months(title: &str, kinds: &[String], rows: &[(String, Vec<i64>)], marks: &[(usize, &str)]) -> String {
    const HEIGHT: f64 = 220.0;
    const BASE: f64 = HEIGHT - 46.0;
    let most = rows.iter().map(|row| row.1.iter().sum::<i64>()).max().unwrap_or(0);
    let step = (WIDTH / rows.len().max(1) as f64).min(60.0);
    let every = rows.len().div_ceil(14).max(1);
    let mut body = String::new();
    for (index, (month, values)) in rows.iter().enumerate() {
        let x = index as f64 * step;
        let mut y = BASE;
        for (kind, value) in values.iter().enumerate() {
            let height = if *value > 0 { length(*value, most, BASE - 24.0) } else { 0.0 };
            y -= height;
            let name = kinds.get(kind).map_or("", String::as_str);
            let tip = format!("{month}, {name}: {}", count(*value));
            body += &rectangle(x + 1.0, y, step - 2.0, height, COLOURS[kind % COLOURS.len()], &tip);
        }
        if index % every == 0 {
            body += &text(x + step / 2.0, BASE + 14.0, "mid small", month);
        }
    }
    for (index, word) in marks {
        let x = *index as f64 * step;
        body += &format!("<line x1=\"{0}\" y1=\"4\" x2=\"{0}\" y2=\"{1}\" class=\"mark\"/>", at(x), at(BASE));
        body += &text(x + 5.0, 12.0, "note", word);
    }
    let mut x = 0.0;
    for (kind, name) in kinds.iter().enumerate() {
        body += &rectangle(x, BASE + 26.0, 11.0, 11.0, COLOURS[kind % COLOURS.len()], name);
        body += &text(x + 16.0, BASE + 36.0, "small", name);
        x += 34.0 + name.chars().count() as f64 * 6.6;
    }
    svg(title, HEIGHT, &body)
}

/// A step of a run.
#[derive(Clone, Debug)]
pub struct StepSpan {
    /// The step.
    pub label: String,
    /// Milliseconds from the first step's start.
    pub start: i64,
    /// Duration in milliseconds.
    pub taken: i64,
    /// Text next to it.
    pub note: String,
}

/// Steps on a common time scale.
pub fn gantt(title: &str, spans: &[StepSpan]) -> String {
    const LEFT: f64 = 120.0;
    const ROW: f64 = 22.0;
    let end = spans.iter().map(|span| span.start + span.taken).max().unwrap_or(0);
    let full = WIDTH - LEFT - 210.0;
    let mut body = String::new();
    for (index, span) in spans.iter().enumerate() {
        let y = index as f64 * ROW;
        let x = LEFT + if end > 0 { span.start as f64 / end as f64 * full } else { 0.0 };
        let width = length(span.taken.max(1), end.max(1), full);
        body += &text(LEFT - 8.0, y + 15.0, "end", &span.label);
        body += &rectangle(x, y + 3.0, width, ROW - 7.0, "s1", &span.note);
        body += &text(x + width + 6.0, y + 15.0, "number", &span.note);
    }
    svg(title, (spans.len() as f64 * ROW).max(ROW), &body)
}
