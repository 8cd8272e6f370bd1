//! The habits of whoever filled a column: how often a cell is missing, broken or random, and how dates are written.

use chrono_tz::Tz;

use crate::demo::random::Draws;
use crate::model::{Day, Source, Timestamp};

use super::cells::{NO, NOTHING, UNSURE, YES, dressed, noise};
use super::time::{BROKEN, Convention};

/// The writer of one column.
pub(super) struct Hand {
    pub(super) draws: Draws,
    convention: Convention,
    is_plain: bool,
    missing: f64,
    broken: f64,
    noise: f64,
}

/// What became of a value that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// The cell says it.
    Said,
    /// The cell says nothing.
    Nothing,
    /// The cell cannot be read.
    Broken,
}

impl Hand {
    pub(super) fn new(seed: u64, source: Source, column: &str, is_legible: bool) -> Self {
        let mut draws = Draws::of(seed, column, source as u64);
        let zone = match source {
            Source::McaZa => Tz::Africa__Johannesburg,
            Source::McaUk => Tz::Europe__London,
            Source::Scl | Source::Teetime | Source::Messaging => Tz::UTC,
        };
        let convention = Convention::draw(&mut draws, zone);
        let missing = draws.weighted(&[(0.0, 3), (0.1, 4), (0.4, 2), (0.95, 1)]);
        let broken = if is_legible { 0.0 } else { draws.weighted(&[(0.0, 3), (0.08, 4), (0.3, 2), (0.9, 1)]) };
        let noise = draws.weighted(&[(0.0, 4), (0.05, 4), (0.5, 1)]);
        let is_plain = draws.chance(0.25);
        Self { draws, convention, is_plain, missing, broken, noise }
    }

    /// Whether the next cell is missing or broken.
    pub(super) fn sense(&mut self) -> Sense {
        if self.draws.chance(self.missing) {
            Sense::Nothing
        } else if self.draws.chance(self.broken) {
            Sense::Broken
        } else {
            Sense::Said
        }
    }

    /// A cell of a typed column, or what stands in its place.
    pub(super) fn typed(&mut self, write: impl FnOnce(&mut Self) -> String, broken: &[&str]) -> (String, Sense) {
        let sense = self.sense();
        let text = match sense {
            Sense::Said => write(self),
            Sense::Nothing => self.draws.pick(NOTHING).to_owned(),
            Sense::Broken => self.draws.pick(broken).to_owned(),
        };
        (text, sense)
    }

    /// An instant of whole seconds.
    pub(super) fn instant(&mut self, at: Timestamp) -> (String, Sense) {
        self.typed(|hand| if hand.is_plain { at.to_string() } else { hand.convention.instant(&mut hand.draws, at) }, BROKEN)
    }

    /// A day.
    pub(super) fn day(&mut self, day: Day) -> (String, Sense) {
        self.typed(|hand| if hand.is_plain { day.to_string() } else { hand.convention.day(&mut hand.draws, day) }, BROKEN)
    }

    /// Yes or no.
    pub(super) fn boolean(&mut self, value: bool) -> (String, Sense) {
        let plain = if value { "true" } else { "false" };
        let words = if value { YES } else { NO };
        self.typed(|hand| if hand.is_plain { plain } else { hand.draws.pick(words) }.to_owned(), UNSURE)
    }

    /// Free text, dressed somehow, now and then noise.
    pub(super) fn text(&mut self, text: &str) -> String {
        if self.draws.chance(self.missing) {
            self.draws.pick(NOTHING).to_owned()
        } else if self.draws.chance(self.noise) {
            noise(&mut self.draws)
        } else {
            dressed(&mut self.draws, text)
        }
    }

    /// One of several words.
    pub(super) fn word(&mut self, words: &[&str]) -> String {
        let word = self.draws.pick(words).to_owned();
        self.text(&word)
    }

    /// A number with decimals.
    pub(super) fn decimal(&mut self, tenths: i64) -> String {
        let (whole, tenth) = (tenths / 10, tenths % 10);
        let written = match self.draws.below(8) {
            0 => format!("{whole},{tenth}"),
            1 => format!("{whole}.{tenth}0"),
            2 => format!(" {whole}.{tenth}"),
            3 => format!("+{whole}.{tenth}"),
            4 => whole.to_string(),
            5 => "99.9".to_owned(),
            6 => "scratch".to_owned(),
            _ => format!("{whole}.{tenth}"),
        };
        self.text(&written)
    }
}
