//! A CRM in use: load with a plain role, let an application and its users work, change the sources, load again.

mod application;
mod delta;
mod invariants;
mod sources;

use crm_backfill::model::{Code as _, Source};
use crm_backfill::sources::exports;

use crate::support::postgres::Database;
use crate::support::workdir::Workdir;
use crate::support::world::{Owned, exporters};

use application::Application;
use invariants::Memory;

/// The application's role: it changes rows and owns nothing. The loader is the runbook's.
const APPLICATION: &str = "
    do $$ begin
      if not exists (select from pg_roles where rolname = 'living_app') then create role living_app login; end if;
    end $$;
    grant usage on schema public to living_app;
    grant select, insert, update, delete on all tables in schema public to living_app;";

/// Numbers that are the same on every machine.
pub struct Dice(u64);

impl Dice {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }

    /// One of these.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { Some(&all[self.below(all.len())]) }
    }
}

/// One CRM with its five sources.
struct Life {
    workdir: Workdir,
    world: Owned,
    crm: Database,
    seed: u64,
}

impl Life {
    fn begin(seed: u64) -> Self {
        let world = Owned::of(seed, 0.001);
        let mut workdir = Workdir::new();
        workdir.edit("backfill.toml", "max_reject_ratio = 0.05", "max_reject_ratio = 1.0");
        for (variable, url) in world.source_urls() {
            workdir.set(variable, &url);
        }
        let crm = world.crm();
        static MADE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        {
            let _alone = MADE.lock().unwrap();
            crm.execute(APPLICATION);
        }
        workdir.set("CRM_DATABASE_URL", &crm.url_as("bf_load"));
        Self { workdir, world, crm, seed }
    }

    /// Exports all sources as of this time.
    fn export(&self, as_of: &str) {
        for step in exporters(6) {
            self.workdir.ok(step, &["--new-as-of", "--as-of", as_of]);
        }
    }

    /// Exports the CRM and builds the datasets.
    fn build(&self) {
        for step in ["export-crm", "stage", "resolve", "consolidate", "score"] {
            self.workdir.ok(step, &[]);
        }
    }

    /// Exports everything again, including the CRM, loads it, and checks the invariants. `late` is what users do before the load.
    fn round(&self, round: usize, memory: &mut Memory, late: impl FnOnce(&mut Memory)) {
        let as_of = format!("2026-{:02}-0{}T06:00:00Z", 11 + round / 28, 1 + round % 28 % 9);
        let day = format!("2026-11-{:02}T06:00:00Z", 1 + round * 4);
        self.export(if round < 7 { &day } else { &as_of });
        self.build();
        let heeded = memory.confirmed.len();
        late(memory);
        // A pair that was confirmed after the datasets were built is united by the next round.
        let confirmed_late = memory.confirmed.split_off(heeded);
        let place = format!("seed {}, round {round}", self.seed);
        self.load_and_verify(memory, &place);
        memory.confirmed.extend(confirmed_late);
    }

    /// Loads while the writers of the CRM are stopped, verifies, loads again without effect, and checks the invariants.
    fn load_and_verify(&self, memory: &Memory, place: &str) {
        let before = invariants::foreign_rows(&self.crm);
        self.workdir.ok("load", &confirmed());
        assert_eq!(invariants::foreign_rows(&self.crm), before, "{place}: a foreign row was changed");
        memory.check(&self.crm, place);
        self.workdir.ok("verify", &[]);
        self.workdir.ok("load", &["--consumers-stopped"]).says("nothing to do");
        memory.check(&self.crm, place);
    }
}

/// What the operator confirms at each load. A world so small soon loses a fifth of an entity.
fn confirmed() -> Vec<&'static str> {
    let entities = Source::ALL.iter().flat_map(|source| exports(*source)).map(|export| export.entity);
    std::iter::once("--consumers-stopped").chain(entities.flat_map(|entity| ["--allow-shrink", entity])).collect()
}

fn live(seed: u64, rounds: usize, deeds: usize) -> Memory {
    let life = Life::begin(seed);
    let mut memory = Memory::default();
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    life.round(0, &mut memory, |_| ());
    for round in 1..=rounds {
        let application = Application::open(&life.crm.url_as("living_app"), round);
        for _ in 0..deeds {
            application.act(&life.crm, &mut dice, &mut memory);
        }
        for _ in 0..deeds {
            sources::change(&life.world, &mut dice, round);
        }
        life.round(round, &mut memory, |memory| {
            for _ in 0..deeds / 3 {
                application.act(&life.crm, &mut dice, memory);
            }
        });
    }
    memory
}

/// `CRM_BACKFILL_SEED` sets the first CRM, `CRM_BACKFILL_LIVES` the number of CRMs and `CRM_BACKFILL_MONTHS` the number of months;
/// `make soak` uses more than the defaults.
fn asked(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
#[ignore = "takes minutes: cargo test -- --ignored in_six_months; make soak runs it"]
fn in_six_months_no_decision_of_a_user_is_undone() {
    let months = usize::try_from(asked("CRM_BACKFILL_MONTHS", 6)).unwrap();
    let first = asked("CRM_BACKFILL_SEED", 1);
    for seed in first..first + asked("CRM_BACKFILL_LIVES", 1) {
        let memory = live(seed, months, 12);
        assert!(memory.is_eventful(), "seed {seed}: too little happened: {memory:?}");
    }
}
