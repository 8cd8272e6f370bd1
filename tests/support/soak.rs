//! Duration of the tests that could run for hours: a sample by default, more if variables are set.
//!
//! - `CRM_BACKFILL_SOAK=n`: n times as many cases as in `make test`.
//! - `CRM_BACKFILL_CASES=n`: exactly n cases.
//! - `CRM_BACKFILL_SEED=s`: the first seed; unset, every run takes the same cases. A failure names the seed that repeats it.

use std::ops::Range;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.trim().parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text:?}")))
}

/// How many cases to try: the number that `make test` can afford, times `CRM_BACKFILL_SOAK`.
pub fn cases(default_for_ci: u32) -> u32 {
    if let Some(exactly) = number("CRM_BACKFILL_CASES") {
        return u32::try_from(exactly).unwrap_or(u32::MAX);
    }
    let times = number("CRM_BACKFILL_SOAK").unwrap_or(1).max(1);
    default_for_ci.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX))
}

/// The seeds to try, one for each case.
pub fn seeds(default_for_ci: u32) -> Range<u64> {
    let first = number("CRM_BACKFILL_SEED").unwrap_or(0);
    first..first + u64::from(cases(default_for_ci))
}

/// Random numbers of a seed: small, quick, the same on every machine (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit that is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.any() % limit as u64).expect("it is below a usize")
    }
}

/// Records the cases and results of a guarantee for `docs/guarantees.md`, if `CRM_BACKFILL_SOAK_RESULTS` names a file.
pub fn measured(guarantee: &str, figures: &[(&str, u64)]) {
    let Some(path) = std::env::var_os("CRM_BACKFILL_SOAK_RESULTS") else { return };
    let figures: serde_json::Map<_, _> = figures.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
    let line = format!("{}\n", serde_json::json!({ "guarantee": guarantee, "figures": figures }));
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
}
