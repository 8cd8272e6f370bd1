//! Writes JSON objects into a reused buffer: an object has the keys of its struct, in their order.

use serde::Serialize;

/// Holds one object after another.
#[derive(Default)]
pub struct JsonBuffer(Vec<u8>);

impl JsonBuffer {
    /// The text of an object of texts, numbers and nested objects.
    pub fn write(&mut self, object: &impl Serialize) -> &str {
        self.0.clear();
        serde_json::to_writer(&mut self.0, object).expect("texts and numbers have a JSON form");
        std::str::from_utf8(&self.0).expect("JSON is UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Handicap, Timestamp};

    #[derive(Serialize)]
    struct Sample<'a> {
        at: Option<Timestamp>,
        handicap: Option<Handicap>,
        text: Option<&'a str>,
    }

    #[test]
    fn keys_keep_their_order_and_absent_values_are_null() {
        let mut json = JsonBuffer::default();
        let sample = Sample { at: Some(Timestamp(0)), handicap: Some(Handicap(-120)), text: Some("a\"b\\c\nd\u{1}é") };
        let expected = r#"{"at":"1970-01-01T00:00:00.000Z","handicap":-12.0,"text":"a\"b\\c\nd\u0001é"}"#;
        assert_eq!(json.write(&sample), expected);
        let absent = Sample { at: None, handicap: None, text: None };
        assert_eq!(json.write(&absent), r#"{"at":null,"handicap":null,"text":null}"#);
    }
}
