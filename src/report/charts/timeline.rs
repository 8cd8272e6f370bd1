//! Charts over time: stacked months, and the steps of a run.

use super::{ChartWidth, at, count, length, rectangle, svg, text, tick};

/// Width of the numbers beside the bars.
const AXIS: f64 = 52.0;
const COLOURS: [&str; 8] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/// Stacked upright bars, one per month. `marks` are lines at a month, each with a label.
pub fn months(title: &str, width: ChartWidth, kinds: &[String], rows: &[(String, Vec<i64>)], marks: &[(usize, &str)]) -> String {
    const HEIGHT: f64 = 220.0;
    const BASE: f64 = HEIGHT - 46.0;
    let most = rows.iter().map(|row| row.1.iter().sum::<i64>()).max().unwrap_or(0);
    let step = ((width.pixels() - AXIS) / rows.len().max(1) as f64).min(60.0);
    // The name of a month needs about this many pixels.
    let every = ((56.0 / step).ceil() as usize).max(1);
    let ticks = [most / 2, most].into_iter().filter(|value| *value > 0);
    let mut body: String = ticks.map(|value| tick(value, BASE - length(value, most, BASE - 24.0), AXIS, width)).collect();
    for (index, (month, values)) in rows.iter().enumerate() {
        let x = AXIS + index as f64 * step;
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
        let x = AXIS + *index as f64 * step;
        body += &format!("<line x1=\"{0}\" y1=\"4\" x2=\"{0}\" y2=\"{1}\" class=\"mark\"/>", at(x), at(BASE));
        body += &text(x + 5.0, 12.0, "note", word);
    }
    let (mut x, mut y) = (0.0, BASE + 26.0);
    for (kind, name) in kinds.iter().enumerate() {
        let long = 34.0 + name.chars().count() as f64 * 7.6;
        if x + long > width.pixels() && x > 0.0 {
            (x, y) = (0.0, y + 18.0);
        }
        body += &rectangle(x, y, 11.0, 11.0, COLOURS[kind % COLOURS.len()], name);
        body += &text(x + 16.0, y + 10.0, "small", name);
        x += long;
    }
    svg(title, width, y + 20.0, &body)
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

/// Steps on a common time scale; on narrow screens each label is above its bar.
pub fn gantt(title: &str, width: ChartWidth, spans: &[StepSpan]) -> String {
    const ROW: f64 = 22.0;
    const NOTE: f64 = 130.0;
    let (left, above) = if width.is_narrow() { (0.0, 15.0) } else { (120.0, 0.0) };
    let line = ROW + above;
    let end = spans.iter().map(|span| span.start + span.taken).max().unwrap_or(0);
    let full = width.pixels() - left - NOTE;
    let mut body = String::new();
    for (index, span) in spans.iter().enumerate() {
        let y = index as f64 * line;
        let x = left + if end > 0 { span.start as f64 / end as f64 * full } else { 0.0 };
        let long = length(span.taken.max(1), end.max(1), full);
        body += &if width.is_narrow() {
            text(0.0, y + 13.0, "", &span.label)
        } else {
            text(left - 8.0, y + 15.0, "end", &span.label)
        };
        body += &rectangle(x, y + above + 3.0, long, ROW - 7.0, "s1", &span.note);
        body += &text(x + long + 6.0, y + above + 15.0, "number", &span.note);
    }
    svg(title, width, (spans.len() as f64 * line).max(ROW), &body)
}
