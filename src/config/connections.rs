//! Settings of connections to databases. No dataset depends on them.

use std::collections::BTreeMap;
use std::time::Duration;

use encoding_rs::Encoding;
use serde::Deserialize;

use crate::model::{Code, Source};

/// Settings of connections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionSettings {
    /// How long to wait for a server that neither answers nor works: `"90s"`, `"10m"`, `"1h"`.
    pub answer_limit: String,
    /// By source: the encoding of a database that declares none (SQL_ASCII) or a wrong one, such as `windows-1252`.
    pub encodings: BTreeMap<String, String>,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self { answer_limit: "10m".to_owned(), encodings: BTreeMap::new() }
    }
}

impl ConnectionSettings {
    /// The encoding declared for a source's database; checked when the settings are read.
    pub fn encoding(&self, source: &str) -> Option<&'static Encoding> {
        Encoding::for_label(self.encodings.get(source)?.as_bytes())
    }

    /// The limit as a duration; checked when the settings are read.
    pub fn limit(&self) -> Option<Duration> {
        let (number, seconds) = [("s", 1), ("m", 60), ("h", 3600)]
            .iter()
            .find_map(|(unit, seconds)| Some((self.answer_limit.strip_suffix(unit)?, *seconds)))?;
        let number: u64 = number.trim().parse().ok()?;
        (1..=86_400).contains(&(number.saturating_mul(seconds))).then(|| Duration::from_secs(number * seconds))
    }

    /// The first wrong setting, and how to write it.
    pub(super) fn check(&self) -> Result<(), (String, &'static str)> {
        if self.limit().is_none() {
            let what = "connections.answer_limit is not a duration up to a day".to_owned();
            return Err((what, "write it as \"90s\", \"10m\" or \"1h\""));
        }
        let is_wrong = |(source, encoding): &(&String, &String)| {
            Source::from_code(source).is_none() || Encoding::for_label(encoding.as_bytes()).is_none()
        };
        match self.encodings.iter().find(is_wrong) {
            None => Ok(()),
            Some((source, _)) => {
                let what = format!("connections.encodings.{source} does not give an encoding of a source");
                Err((what, "write it as  [connections.encodings]  scl = \"windows-1252\""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_with_a_unit() {
        let limit = |text: &str| ConnectionSettings { answer_limit: text.to_owned(), ..ConnectionSettings::default() }.limit();
        assert_eq!(limit("90s"), Some(Duration::from_secs(90)));
        assert_eq!(limit("10m"), Some(Duration::from_secs(600)));
        assert_eq!(limit("1h"), Some(Duration::from_secs(3600)));
        for wrong in ["", "10", "0s", "m", "-1m", "25h", "1d", "99999999999999999999h"] {
            assert_eq!(limit(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_encoding_is_given_to_a_source() {
        let given = |source: &str, encoding: &str| ConnectionSettings {
            encodings: BTreeMap::from([(source.to_owned(), encoding.to_owned())]),
            ..ConnectionSettings::default()
        };
        assert_eq!(given("scl", "cp1252").encoding("scl"), Some(encoding_rs::WINDOWS_1252));
        assert!(given("scl", "latin1").check().is_ok());
        assert!(given("shop", "latin1").check().is_err() && given("scl", "klingon").check().is_err());
    }
}
