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
pub use waterfall::{Waterfall, waterfall};

/// Width of every chart in its own units; the page scales it.
pub(crate) const WIDTH: f64 = 880.0;

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
pub(crate) fn svg(title: &str, height: f64, body: &str) -> String {
    format!("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{body}</svg>", at(WIDTH), at(height), escape(title))
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
        let drawn = bars("a & b", &[Bar { label: "<script>".to_owned(), value: 3, tip: "\"".to_owned(), class: "s1" }]);
        assert!(!drawn.contains("<script>"), "{drawn}");
        assert!(drawn.contains("&lt;script&gt;"));
    }
}
