//! Exact decimal numbers of rules and metadata.

use std::fmt;

/// A number with up to six decimals, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub i128);

const SCALE: i128 = 1_000_000;
const LARGEST: i128 = 1_000_000_000_000_000;

impl Decimal {
    /// A whole number.
    pub fn whole(number: impl Into<i128>) -> Self {
        Self(number.into() * SCALE)
    }

    /// A JSON number: whole below 10^15, or below 10^9 with up to six decimals, which fifteen digits hold exactly.
    pub fn from_json(number: &serde_json::Number) -> Option<Self> {
        if let Some(whole) = number.as_i64() {
            let whole = i128::from(whole);
            return (whole.abs() < LARGEST).then(|| Self::whole(whole));
        }
        let float = number.as_f64()?;
        if float.fract() == 0.0 {
            return (float.abs() < 1e15).then(|| Self(float as i128 * SCALE));
        }
        if float.abs() >= 1e9 {
            return None;
        }
        Self::parse(&format!("{float}"))
    }

    /// Reads a text such as `-12.5`, with the same limits and without an exponent.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let decimals = decimals.trim_end_matches('0');
        if whole.is_empty() || whole.len() > 15 || decimals.len() > 6 || !all_digits(whole) || !all_digits(decimals) {
            return None;
        }
        if !decimals.is_empty() && whole.trim_start_matches('0').len() > 9 {
            return None;
        }
        let mut millionths: i128 = whole.parse().ok()?;
        for place in 0..6 {
            millionths = millionths * 10 + decimals.as_bytes().get(place).map_or(0, |digit| i128::from(digit - b'0'));
        }
        Some(Self(if negative { -millionths } else { millionths }))
    }

    /// The number as JSON: whole numbers without a point.
    pub fn to_json(self) -> serde_json::Value {
        if self.0 % SCALE == 0
            && let Ok(whole) = i64::try_from(self.0 / SCALE)
        {
            return whole.into();
        }
        self.to_string().parse::<f64>().map_or(serde_json::Value::Null, Into::into)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0.abs() / SCALE, self.0.abs() % SCALE);
        let sign = if self.0 < 0 { "-" } else { "" };
        if decimals == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{decimals:06}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_print_as_they_were_read() {
        for text in ["0", "-12.5", "0.000001", "999999999.999999", "-999999999999999", "36.4"] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Decimal::parse("+1.50").unwrap().to_string(), "1.5");
    }

    #[test]
    fn a_number_of_more_than_fifteen_digits_is_rejected() {
        for text in ["", ".5", "1e3", "0.0000001", "1234567890.1", "1000000000000000", "1.2.3", "--1", "0x1", "NaN"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn json_numbers_keep_their_exact_value() {
        let of = |text: &str| Decimal::from_json(&serde_json::from_str(text).unwrap()).map(|number| number.to_string());
        assert_eq!(of("0.1").as_deref(), Some("0.1"));
        assert_eq!(of("1e3").as_deref(), Some("1000"));
        assert_eq!(of("-36.4").as_deref(), Some("-36.4"));
        assert_eq!(of("1e300"), None);
        assert_eq!(of("0.1234567"), None);
        assert_eq!(Decimal::parse("2.5").unwrap().to_json(), serde_json::json!(2.5));
    }
}
