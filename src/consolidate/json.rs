//! Writes JSON objects into a reused buffer, with fixed key order and without an allocation per object.

use std::fmt::Write as _;

use crate::model::Timestamp;

/// Writes one object after another into the same buffer.
#[derive(Default)]
pub struct JsonWriter {
    text: String,
    is_first: bool,
}

impl JsonWriter {
    /// Begins a new object and discards the former one.
    pub fn begin(&mut self) -> &mut Self {
        self.text.clear();
        self.text.push('{');
        self.is_first = true;
        self
    }

    /// A text or null.
    pub fn text(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        self.key(key);
        match value {
            Some(value) => escape(&mut self.text, value),
            None => self.text.push_str("null"),
        }
        self
    }

    /// A number, a handicap or anything else whose `Display` is valid JSON; or null.
    pub fn number(&mut self, key: &str, value: Option<impl std::fmt::Display>) -> &mut Self {
        self.key(key);
        match value {
            Some(value) => write!(self.text, "{value}").expect("writing to a String cannot fail"),
            None => self.text.push_str("null"),
        }
        self
    }

    /// An instant as ISO 8601 text, or null.
    pub fn instant(&mut self, key: &str, value: Option<Timestamp>) -> &mut Self {
        self.key(key);
        match value {
            Some(value) => write!(self.text, "\"{value}\"").expect("writing to a String cannot fail"),
            None => self.text.push_str("null"),
        }
        self
    }

    /// Opens an object as the value of a key; [`Self::close`] ends it.
    pub fn open(&mut self, key: &str) -> &mut Self {
        self.key(key);
        self.text.push('{');
        self.is_first = true;
        self
    }

    /// Ends the object opened last.
    pub fn close(&mut self) -> &mut Self {
        self.text.push('}');
        self.is_first = false;
        self
    }

    /// Ends the outermost object and returns its text.
    pub fn end(&mut self) -> &str {
        self.text.push('}');
        &self.text
    }

    fn key(&mut self, key: &str) {
        if !self.is_first {
            self.text.push(',');
        }
        self.is_first = false;
        escape(&mut self.text, key);
        self.text.push(':');
    }
}

fn escape(out: &mut String, value: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&value[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => write!(out, "\\u{byte:04x}").expect("writing to a String cannot fail"),
        }
    }
    out.push_str(&value[plain_from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_keep_their_order_and_absent_values_are_null() {
        let mut json = JsonWriter::default();
        json.begin().text("courseId", Some("7")).text("courseName", None).number("players", Some(4));
        json.open("backfill").text("status", Some("a\"b\\c\nd\u{1}é")).close();
        let expected = r#"{"courseId":"7","courseName":null,"players":4,"backfill":{"status":"a\"b\\c\nd\u0001é"}}"#;
        assert_eq!(json.end(), expected);
        assert_eq!(json.begin().end(), "{}");
    }

    #[test]
    fn an_instant_is_iso_text() {
        let mut json = JsonWriter::default();
        assert_eq!(json.begin().instant("at", Some(Timestamp(0))).end(), r#"{"at":"1970-01-01T00:00:00.000Z"}"#);
    }

    proptest! {
        /// Oracle: serde_json reads back what was written.
        #[test]
        fn any_text_reads_back(key in any::<String>(), value in any::<String>()) {
            let mut json = JsonWriter::default();
            let text = json.begin().text(&key, Some(&value)).end().to_owned();
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.get(&key).and_then(|v| v.as_str()), Some(value.as_str()));
        }
    }
}
