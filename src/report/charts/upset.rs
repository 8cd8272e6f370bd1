//! UpSet plot of the sources of profiles: bars over a matrix of dots, because five circles cannot be drawn to scale.

use super::{ChartWidth, at, count, length, rectangle, svg, text};

/// Profiles that are in exactly these sets.
#[derive(Clone, Debug)]
pub struct Overlap {
    /// Membership by set, in their order.
    pub held: Vec<bool>,
    /// Number of profiles.
    pub value: i64,
}

/// Bars over dots; the largest overlaps first, at most twenty, and on narrow screens seven.
pub fn upset(title: &str, width: ChartWidth, sets: &[(String, i64)], overlaps: &[Overlap]) -> String {
    const TOP: f64 = 150.0;
    const LINE: f64 = 22.0;
    let (left, most_shown) = if width.is_narrow() { (122.0, 7) } else { (190.0, 20) };
    let shown = &overlaps[..overlaps.len().min(most_shown)];
    let most = shown.iter().map(|overlap| overlap.value).max().unwrap_or(0);
    let step = ((width.pixels() - left) / shown.len().max(1) as f64).min(48.0);
    let mut body = String::new();
    for (line, (name, total)) in sets.iter().enumerate() {
        let y = TOP + 14.0 + line as f64 * LINE;
        body += &text(left - 60.0, y + 4.0, "end", name);
        body += &text(left - 10.0, y + 4.0, "number end", &count(*total));
    }
    for (index, overlap) in shown.iter().enumerate() {
        let x = left + index as f64 * step + step / 2.0;
        let height = length(overlap.value, most, TOP - 24.0);
        let names: Vec<&str> = sets.iter().zip(&overlap.held).filter(|(_, held)| **held).map(|(set, _)| set.0.as_str()).collect();
        let tip = format!("only {}: {}", names.join(" + "), count(overlap.value));
        body += &rectangle(x - step * 0.35, TOP - height, step * 0.7, height, "s1", &tip);
        body += &text(x, TOP - height - 5.0, "number small mid", &brief(overlap.value));
        let lines: Vec<usize> = overlap.held.iter().enumerate().filter(|(_, held)| **held).map(|(line, _)| line).collect();
        let center = |line: usize| TOP + 14.0 + line as f64 * LINE;
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            body += &format!(
                "<line x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2}\" class=\"join\"/>",
                at(x),
                at(center(*first)),
                at(center(*last))
            );
        }
        for (line, held) in overlap.held.iter().enumerate() {
            let class = if *held { "dot on" } else { "dot" };
            body += &format!("<circle cx=\"{}\" cy=\"{}\" r=\"5\" class=\"{class}\"/>", at(x), at(center(line)));
        }
    }
    svg(title, width, TOP + 14.0 + sets.len() as f64 * LINE, &body)
}

/// A short number for a narrow bar; the exact one is in the tooltip.
fn brief(value: i64) -> String {
    if value < 10_000 { count(value) } else { format!("{}.{}k", count(value / 1000), value / 100 % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counts_are_cut_to_fit_never_rounded_up() {
        assert_eq!([brief(9_999), brief(10_000), brief(24_037), brief(1_234_567)], ["9,999", "10.0k", "24.0k", "1,234.5k"]);
    }
}
