//! Warnings and errors of the processes of a cluster, on stderr. They name plans, stages and files, and never hold a row.

use ::log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            eprintln!("{}: {}", record.level().as_str().to_lowercase(), record.args());
        }
    }

    fn flush(&self) {}
}

/// Writes them from here on.
pub fn to_stderr() {
    if ::log::set_logger(&Stderr).is_ok() {
        ::log::set_max_level(LevelFilter::Warn);
    }
}
