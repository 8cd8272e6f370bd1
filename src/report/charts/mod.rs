//! Static SVG charts: readable without JavaScript, coloured by classes of the page so that dark mode and print work.

mod bars;
mod sankey;
mod timeline;
mod upset;
mod waterfall;

pub use bars::{Bar, Split, bars, columns, splits};
pub use sankey::{Flow, sankey};
pub use timeline::{StepSpan, gantt, months};
pub use upset::{Overlap, upset};
pub use waterfall::{Waterfall, WaterfallStep, waterfall};

/// The width for which a chart is drawn, in CSS pixels. The page shows one of two drawings and never shrinks one, so that text keeps
/// its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartWidth {
    /// For screens and paper.
    Wide,
    /// For phones.
    Narrow,
}

impl ChartWidth {
    /// The width.
    pub fn pixels(self) -> f64 {
        match self {
            Self::Wide => 880.0,
            Self::Narrow => 356.0,
        }
    }

    /// Whether it is the one for phones.
    pub fn is_narrow(self) -> bool {
        self == Self::Narrow
    }
}

/// A chart for both widths.
pub fn drawn(chart: impl Fn(ChartWidth) -> String) -> String {
    let [wide, narrow] = [ChartWidth::Wide, ChartWidth::Narrow].map(chart);
    format!("<div class=\"wide\">{wide}</div><div class=\"narrow\">{narrow}</div>")
}

/// Text that is safe inside SVG and HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A coordinate with one decimal, without a trailing zero.
pub(crate) fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// A number with separators: `48,212`.
pub fn count(number: i64) -> String {
    crate::model::thousands(number)
}

/// A share in per cent: `12.4 %`, `< 0.1 %`; a dash if the whole is 0.
pub fn share(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let thousandths = i128::from(part) * 1000 / i128::from(whole);
    match thousandths {
        0 if part > 0 => "< 0.1 %".to_owned(),
        _ => format!("{}.{} %", thousandths / 10, thousandths % 10),
    }
}

/// An SVG element with a title for screen readers.
pub(crate) fn svg(title: &str, width: ChartWidth, height: f64, body: &str) -> String {
    let (width, title) = (at(width.pixels()), escape(title));
    format!("<svg viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"{title}\">{body}</svg>", at(height))
}

/// A text cut to a width in pixels, for letters of the usual size.
pub(crate) fn cut(words: &str, width: f64) -> String {
    let most = (width / 6.4) as usize;
    if words.chars().count() <= most {
        return words.to_owned();
    }
    words.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A rectangle with a tooltip.
pub(crate) fn rectangle(x: f64, y: f64, width: f64, height: f64, class: &str, tip: &str) -> String {
    format!(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{class}\"><title>{}</title></rect>",
        at(x),
        at(y),
        at(width.max(0.0)),
        at(height.max(0.0)),
        escape(tip)
    )
}

/// A line of text; `class` may hold `end` or `mid` for its anchor.
pub(crate) fn text(x: f64, y: f64, class: &str, words: &str) -> String {
    format!("<text x=\"{}\" y=\"{}\" class=\"{class}\">{}</text>", at(x), at(y), escape(words))
}

/// A line across a chart at a value of its scale, with the number beside it; the bars begin at `axis`.
pub(crate) fn tick(value: i64, y: f64, axis: f64, width: ChartWidth) -> String {
    let (x, end, y_line) = (at(axis), at(width.pixels()), at(y));
    let line = format!("<line x1=\"{x}\" y1=\"{y_line}\" x2=\"{end}\" y2=\"{y_line}\" class=\"tick\"/>");
    line + &text(axis - 6.0, y + 4.0, "number small end", &count(value))
}

/// The length of `value` if `most` has the length `full`, with a minimum that keeps small values visible.
pub(crate) fn length(value: i64, most: i64, full: f64) -> f64 {
    if value <= 0 || most <= 0 {
        return 0.0;
    }
    (value as f64 / most as f64 * full).max(1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_small_things_visible() {
        assert_eq!(share(1, 5000), "< 0.1 %");
        assert_eq!(share(1, 8), "12.5 %");
        assert_eq!(share(0, 0), "–");
    }

    #[test]
    fn charts_never_let_a_label_become_markup() {
        let rows = [Bar { label: "<script>".to_owned(), value: 3, tip: "\"".to_owned(), class: "s1" }];
        let drawn = drawn(|width| bars("a & b", width, &rows));
        assert!(!drawn.contains("<script>"), "{drawn}");
        assert!(drawn.contains("&lt;script&gt;"));
    }
}
