//! Progress on stderr: bars on a terminal, otherwise a line every ten seconds or ten per cent.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::thousands;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

const LINE_EVERY: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(500);

#[derive(Clone)]
enum ProgressMode {
    Bars(MultiProgress),
    Lines,
    Silent,
}

/// How the process shows progress, for code without a [`Progress`].
static SHOWN: Mutex<ProgressMode> = Mutex::new(ProgressMode::Silent);

/// Prints a line on stderr from code without a [`Progress`]; prints nothing in a quiet run.
pub(crate) fn note(line: &str) {
    match &*SHOWN.lock().unwrap_or_else(PoisonError::into_inner) {
        ProgressMode::Bars(bars) => bars.suspend(|| to_stderr(line)),
        ProgressMode::Lines => to_stderr(line),
        ProgressMode::Silent => {}
    }
}

/// Where progress goes; shared by all threads of a run.
pub struct Progress {
    mode: ProgressMode,
    step: String,
    started: Instant,
}

impl Progress {
    /// Progress of a step on stderr; a dumb terminal gets lines, not bars.
    pub fn new(step: &str, quiet: bool, dumb: bool) -> Self {
        let mode = if quiet {
            ProgressMode::Silent
        } else if std::io::stderr().is_terminal() && !dumb {
            ProgressMode::Bars(MultiProgress::new())
        } else {
            ProgressMode::Lines
        };
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = mode.clone();
        Self { mode, step: step.to_owned(), started: Instant::now() }
    }

    /// Progress without output, for tests.
    pub fn silent() -> Self {
        Self { mode: ProgressMode::Silent, step: String::new(), started: Instant::now() }
    }

    /// Starts a task, such as a dataset; `total` is `None` where it is not known beforehand.
    pub fn task(&self, name: impl Into<String>, total: Option<u64>) -> Task<'_> {
        let name = name.into();
        let bar = match &self.mode {
            ProgressMode::Bars(bars) => {
                let bar = bars.add(total.map_or_else(ProgressBar::new_spinner, ProgressBar::new));
                let template = if total.is_some() {
                    "   {msg:<26.26} {wide_bar} {human_pos:>11} / {human_len} {speed:>7} {left:>8}"
                } else {
                    "   {spinner} {msg:<26.26} {human_pos:>11} {speed:>7} {elapsed:>5}"
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    let style = style
                        .with_key("speed", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                            let _ = out.write_str(&short_rate(state.per_sec()));
                        })
                        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                            // Before the first rows there is no rate to estimate from.
                            let _ = if state.pos() == 0 { Ok(()) } else { write!(out, "{} s left", state.eta().as_secs()) };
                        });
                    bar.set_style(style.progress_chars("█▌ "));
                }
                bar.set_message(name.clone());
                // The bar moves and counts its seconds while a statement or a file takes long.
                bar.enable_steady_tick(TICK);
                Some(bar)
            }
            ProgressMode::Lines | ProgressMode::Silent => None,
        };
        Task {
            progress: self,
            name,
            total,
            unit: "rows",
            bar,
            done: AtomicU64::new(0),
            started: Instant::now(),
            last: Mutex::new((Instant::now(), 0)),
        }
    }

    /// A finished item: `✓ scl.members   48,212 rows   0.8 s`.
    pub fn done(&self, line: impl AsRef<str>) {
        self.line(&format!("   ✓ {}", line.as_ref()));
    }

    /// A warning; it never changes the exit code by itself.
    pub fn warn(&self, line: impl AsRef<str>) {
        self.line(&format!(" ! {}", line.as_ref()));
    }

    /// A plain line on stderr, above the bars.
    pub fn line(&self, line: &str) {
        match &self.mode {
            ProgressMode::Bars(bars) => bars.suspend(|| to_stderr(line)),
            ProgressMode::Lines => to_stderr(line),
            ProgressMode::Silent => {}
        }
    }

    /// Time since the step began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

fn to_stderr(line: &str) {
    // A closed stderr must not stop the run.
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// A task under way. Dropped without [`Task::finish`], its bar disappears.
pub struct Task<'a> {
    progress: &'a Progress,
    name: String,
    total: Option<u64>,
    unit: &'static str,
    bar: Option<ProgressBar>,
    done: AtomicU64,
    started: Instant,
    last: Mutex<(Instant, u64)>,
}

impl Task<'_> {
    /// Counts the task in another unit than rows.
    pub fn counted_in(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Adds finished rows.
    pub fn advance(&self, rows: u64) {
        let done = self.done.fetch_add(rows, Ordering::Relaxed) + rows;
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        } else if matches!(self.progress.mode, ProgressMode::Lines) {
            self.maybe_line(done);
        }
    }

    fn maybe_line(&self, done: u64) {
        let Ok(mut last) = self.last.try_lock() else { return };
        let tenth = self.total.filter(|&total| total >= 10).map_or(0, |total| done * 10 / total);
        let due = last.0.elapsed() >= LINE_EVERY;
        // A task of less than a second only prints its final line.
        if !due && (tenth == last.1 || self.started.elapsed() < Duration::from_secs(1)) {
            return;
        }
        *last = (Instant::now(), tenth);
        let rate = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let line = match self.total {
            Some(total) if total > 0 => {
                let left = total.saturating_sub(done) as f64 / rate.max(1.0);
                format!("{} {} {done}/{total} {}% {rate:.0}/s eta {left:.1}s", self.progress.step, self.name, done * 100 / total)
            }
            _ => format!("{} {} {done} {rate:.0}/s", self.progress.step, self.name),
        };
        to_stderr(&line);
    }

    /// The task is done: leaves one line with its rows and time.
    pub fn finish(self, note: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let done = self.done.load(Ordering::Relaxed);
        let seconds = self.started.elapsed().as_secs_f64();
        let note = if note.is_empty() { String::new() } else { format!("   {note}") };
        // A task that did not count rows shows its time only.
        let rows = if done == 0 && self.total.is_none() { String::new() } else { format!("{} {}", thousands(done), self.unit) };
        self.progress.done(format!("{:<34} {rows:>17}   {seconds:>5.1} s{note}", self.name));
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A rate in whole numbers with a unit: `870/s`, `70k/s`, `12M/s`.
fn short_rate(per_second: f64) -> String {
    match per_second {
        rate if !rate.is_finite() || rate < 0.0 => String::new(),
        rate if rate < 10_000.0 => format!("{rate:.0}/s"),
        rate if rate < 10_000_000.0 => format!("{:.0}k/s", rate / 1e3),
        rate => format!("{:.0}M/s", rate / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_whole_numbers_with_a_unit() {
        assert_eq!([0.4, 9_999.4, 70_321.9, 37_945_413.3, f64::NAN].map(short_rate), ["0/s", "9999/s", "70k/s", "38M/s", ""]);
    }
}
