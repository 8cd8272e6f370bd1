//! What the report and the page for review share: the style, the formats of numbers, and templates that escape every value.

use anyhow::Result;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::report::charts::{count, share};

const STYLE: &str = include_str!("style.css");

/// Renders a template with these values. `style` is the style of both pages.
pub(super) fn render(template: &str, values: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("count", |number: i64| count(number));
    environment.add_filter("signed", |number: i64| if number > 0 { format!("+{}", count(number)) } else { count(number) });
    environment.add_filter("state", |state: &str| state_in_words(state).to_owned());
    environment.add_filter("quoted", |code: &str| format!("{code:?}"));
    environment.add_function("share", |part: i64, whole: i64| share(part, whole));
    environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    environment.add_template("page", template)?;
    Ok(environment.get_template("page")?.render(values)?)
}

/// The state of a check or of a line of the checklist in words; an unknown one stays as it is.
fn state_in_words(state: &str) -> &str {
    match state {
        "PASSED" => "passed",
        "FAILED" => "failed",
        "VACUOUS" => "skipped: nothing to check",
        "NEEDS_A_PERSON" => "manual review needed",
        "DONE" => "done",
        "OPEN" => "open",
        "READY" => "ready",
        other => other,
    }
}
