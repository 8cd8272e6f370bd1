//! A hash of a JSON value that does not depend on its spelling: blanks, order of keys, escapes, zeros of numbers.

use crate::pg::compare::hash::{self, Mixer};

/// Deepest nesting that is parsed, more than evidence and metadata have. Deeper values are compared as text.
const DEEPEST: u32 = 64;

const NULL: u64 = 0x6e75_6c6c;
const TRUE: u64 = 0x7472_7565;
const FALSE: u64 = 0x6661_6c73;

/// The hash of a JSON text; `None` when it is not JSON.
pub fn hash(text: &[u8]) -> Option<u64> {
    let mut reader = JsonReader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    (reader.at == text.len()).then_some(value)
}

fn mixed(seed: u64, parts: &[u64]) -> u64 {
    let mut mixer = Mixer::new(seed);
    parts.iter().for_each(|part| mixer.add(*part));
    mixer.finish()
}

struct JsonReader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> JsonReader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &[u8], value: u64) -> Option<u64> {
        let found = self.text.get(self.at..self.at + word.len())? == word;
        found.then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: u32) -> Option<u64> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b't' => self.word(b"true", mixed(1, &[TRUE])),
            b'f' => self.word(b"false", mixed(1, &[FALSE])),
            b'n' => self.word(b"null", mixed(1, &[NULL])),
            _ => self.number(),
        }
    }

    /// Adds up the hashes of the members, so that their order does not matter.
    fn object(&mut self, depth: u32) -> Option<u64> {
        self.take(b'{')?;
        let (mut sum, mut count) = (0_u64, 0_u64);
        self.blanks();
        if self.take(b'}').is_none() {
            loop {
                self.blanks();
                let key = self.string()?;
                self.blanks();
                self.take(b':')?;
                let value = self.value(depth + 1)?;
                sum = sum.wrapping_add(mixed(2, &[key, value]));
                count += 1;
                self.blanks();
                if self.take(b',').is_none() {
                    self.take(b'}')?;
                    break;
                }
            }
        }
        Some(mixed(3, &[sum, count]))
    }

    fn array(&mut self, depth: u32) -> Option<u64> {
        self.take(b'[')?;
        let mut hasher = Mixer::new(4);
        let mut count = 0_u64;
        self.blanks();
        if self.take(b']').is_none() {
            loop {
                hasher.add(self.value(depth + 1)?);
                count += 1;
                self.blanks();
                if self.take(b',').is_none() {
                    self.take(b']')?;
                    break;
                }
            }
        }
        hasher.add(count);
        Some(hasher.finish())
    }

    fn string(&mut self) -> Option<u64> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => {
                    let bytes = &self.text[start..self.at];
                    self.at += 1;
                    return Some(hash::of_bytes(5, bytes));
                }
                b'\\' => return self.escaped(start),
                _ => self.at += 1,
            }
        }
    }

    /// The characters of a string with escapes.
    fn escaped(&mut self, start: usize) -> Option<u64> {
        let mut bytes = self.text[start..self.at].to_vec();
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(hash::of_bytes(5, &bytes)),
                b'\\' => {
                    let escape = self.peek()?;
                    self.at += 1;
                    let plain = match escape {
                        b'"' | b'\\' | b'/' => char::from(escape),
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.character()?,
                        _ => return None,
                    };
                    bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => bytes.push(byte),
            }
        }
    }

    /// Four hexadecimal digits, or two surrogates of four.
    fn character(&mut self) -> Option<char> {
        let first = self.code_unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.take(b'\\')?;
        self.take(b'u')?;
        let second = self.code_unit()?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + low)
    }

    fn code_unit(&mut self) -> Option<u32> {
        let digits = std::str::from_utf8(self.text.get(self.at..self.at + 4)?).ok()?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// Significant digits and the power of ten of the last one: `10`, `1e1` and `10.0` are one number.
    fn number(&mut self) -> Option<u64> {
        let is_negative = self.take(b'-').is_some();
        let (whole, fraction) = (self.digits()?, self.take(b'.').map(|()| self.digits()));
        let fraction: &'a [u8] = match fraction {
            Some(fraction) => fraction?,
            None => &[],
        };
        let mut power = -i64::try_from(fraction.len()).ok()?;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            let is_small = self.take(b'-').is_some();
            if !is_small {
                let _ = self.take(b'+');
            }
            let written = std::str::from_utf8(self.digits()?).ok()?.parse::<i64>().ok()?;
            power += if is_small { -written } else { written };
        }
        let digits = whole.iter().chain(fraction);
        let leading = digits.clone().take_while(|digit| **digit == b'0').count();
        let trailing = digits.clone().rev().take_while(|digit| **digit == b'0').count();
        let count = whole.len() + fraction.len();
        if leading == count {
            return Some(mixed(6, &[]));
        }
        let mut hasher = Mixer::new(7);
        hasher.add(u64::from(is_negative));
        hasher.add((power + i64::try_from(trailing).ok()?).cast_unsigned());
        for digit in digits.skip(leading).take(count - leading - trailing) {
            hasher.add(u64::from(*digit));
        }
        Some(hasher.finish())
    }

    fn digits(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then(|| &self.text[start..self.at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let (a, b) = (hash(a.as_bytes()).unwrap(), hash(b.as_bytes()).unwrap());
        a == b
    }

    #[test]
    fn spelling_does_not_matter() {
        assert!(same(r#"{"a":1,"b":[1,2]}"#, r#"{ "b" : [ 1 , 2 ], "a": 1.0 }"#));
        assert!(same(r#"{"name":"Zo\u00eb \/ \ud83d\ude00"}"#, r#"{"name":"Zoë / 😀"}"#));
        assert!(same("[10, 1e1, 10.00, 100e-1, 1.0E+1]", "[1e1, 10, 10, 10, 10]"));
        assert!(same("[0, -0, 0.00, 0e9]", "[0,0,0,0]"));
    }

    #[test]
    fn every_difference_of_content_changes_the_hash() {
        let different = [
            (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
            (r#"{"a":{"b":1}}"#, r#"{"a":1,"b":{}}"#),
            (r#"["a","b"]"#, r#"["ab"]"#),
            ("[1,2]", "[2,1]"),
            ("[[1],[2]]", "[[1,2]]"),
            (r#""1""#, "1"),
            ("null", r#""null""#),
            ("{}", "[]"),
            ("{}", "null"),
            ("1", "-1"),
            ("12345678901234567890123", "12345678901234567890124"),
            ("0.1", "0.01"),
            (r#"{"a":null}"#, "{}"),
        ];
        for (a, b) in different {
            assert!(!same(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn what_is_not_json_has_no_hash() {
        for text in ["", "{", r#"{"a"}"#, "[1,]", "1 2", "tru", r#""a"#, r#""\x""#, "-", "1.", r#""\ud800""#] {
            assert_eq!(hash(text.as_bytes()), None, "{text}");
        }
        assert_eq!(hash("[".repeat(500).as_bytes()), None);
    }
}
