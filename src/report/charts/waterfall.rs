//! The evidence on two records as a waterfall: what each piece adds to or takes from the match weight.

use super::escape;

/// One piece of evidence.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct WaterfallStep {
    /// In words.
    pub words: String,
    /// Its weight in bits.
    pub bits: f64,
    /// Why it counts against a link, in a sentence; null for evidence that supports one.
    pub why: Option<&'static str>,
}

/// The evidence on two records.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Waterfall {
    /// Each piece of evidence.
    pub steps: Vec<WaterfallStep>,
    /// The match weight in bits.
    pub total: f64,
    /// The match threshold in bits.
    pub threshold: f64,
}

/// A table of the evidence with a bar for each piece, from the sum before it to the sum after it. The browser lays it out, so that it
/// is legible at any width.
pub fn waterfall(of: &Waterfall) -> String {
    let mut sums = vec![0.0, of.threshold, of.total];
    let mut sum = 0.0;
    for step in &of.steps {
        sum += step.bits;
        sums.push(sum);
    }
    let (low, high) = sums.iter().fold((0.0_f64, 1.0_f64), |(low, high), sum| (low.min(*sum), high.max(*sum)));
    let place = |bits: f64| (bits - low) / (high - low) * 100.0;
    let row = |words: &str, bits: f64, from: f64, to: f64, class: &str| {
        let (left, width) = (place(from.min(to)), (place(from.max(to)) - place(from.min(to))).max(0.6));
        format!(
            "<tr class=\"{class}\"><th scope=\"row\">{words}</th><td class=\"n\">{bits:+.1}</td><td class=\"track\"><span>\
             <i style=\"left:{left:.1}%;width:{width:.1}%\"></i><b style=\"left:{:.1}%\"></b></span></td></tr>",
            place(of.threshold)
        )
    };
    let mut rows = String::new();
    let mut sum = 0.0;
    for WaterfallStep { words, bits, why } in &of.steps {
        let why = why.map_or_else(String::new, |why| format!("<br><small>{}</small>", escape(why)));
        let class = if *bits < 0.0 { "less" } else { "more" };
        rows += &row(&format!("{}{why}", escape(words)), *bits, sum, sum + bits, class);
        sum += bits;
    }
    rows += &row("match weight", of.total, 0.0, of.total, "sum");
    format!(
        "<table class=\"waterfall\"><caption>evidence in bits; the line marks the threshold, {:+.1}</caption><tr><th scope=\"col\">\
         evidence</th><th scope=\"col\" class=\"n\">bits</th><th scope=\"col\"><span class=\"unseen\">bar</span></th></tr>{rows}</table>",
        of.threshold
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(words: &str, bits: f64, why: Option<&'static str>) -> WaterfallStep {
        WaterfallStep { words: words.to_owned(), bits, why }
    }

    #[test]
    fn a_bar_begins_where_the_one_before_ends() {
        let steps = vec![step("same email", 8.0, None), step("another <birth> date", -4.0, Some("Father & son."))];
        let drawn = waterfall(&Waterfall { steps, total: 4.0, threshold: 3.0 });
        assert!(
            drawn.contains("same email</th><td class=\"n\">+8.0</td>") && drawn.contains("left:0.0%;width:100.0%"),
            "{drawn}"
        );
        assert!(
            drawn.contains("another &lt;birth&gt; date<br><small>Father &amp; son.</small></th><td class=\"n\">-4.0</td>"),
            "{drawn}"
        );
        assert!(drawn.contains("left:50.0%;width:50.0%") && drawn.contains("left:0.0%;width:50.0%"), "{drawn}");
        assert_eq!(drawn.matches("<b style=\"left:37.5%\">").count(), 3, "{drawn}");
    }

    #[test]
    fn evidence_against_a_link_begins_left_of_nothing() {
        let steps = vec![step("another given name", -6.0, None)];
        let drawn = waterfall(&Waterfall { steps, total: -6.0, threshold: 3.0 });
        assert!(drawn.contains("left:0.0%;width:66.7%") && !drawn.contains("NaN"), "{drawn}");
    }
}
