//! Engines for events: an engine outside this program reads the event datasets and returns the rows that the steps write. With
//! and without an engine, people stay in the memory of this process.

use std::path::Path;

use anyhow::Result;

use crate::consolidate::timeline::TimelineRows;
use crate::consolidate::{Directory, Options};
use crate::model::Timestamp;
use crate::score::{GatheredFacts, ScoreOptions};
use crate::store::{Folder, Manifest};

/// The staged datasets that an engine puts on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventDataset {
    /// `stg_teetime__bookings`
    Bookings,
    /// `stg_messaging__messages`
    Messages,
}

/// What the timeline of a dataset is made of.
#[derive(Clone, Copy)]
pub struct TimelineJob<'a> {
    /// The dataset.
    pub events: EventDataset,
    /// `data/stage`
    pub stage: &'a Folder,
    /// `data/resolve`
    pub resolved: &'a Folder,
    /// Who is who.
    pub directory: &'a Directory,
    /// The settings.
    pub options: &'a Options,
    /// Where what does not fit in memory may wait: readable by its owner only, and gone afterwards.
    pub scratch: &'a Path,
}

/// What the facts of profiles are made of.
#[derive(Clone, Copy)]
pub struct FactsJob<'a> {
    /// `data/crm`
    pub crm: &'a Folder,
    /// The as-of time.
    pub as_of: Timestamp,
    /// The settings.
    pub options: &'a ScoreOptions,
    /// As for the timeline.
    pub scratch: &'a Path,
}

/// Results that an engine hands on, one after the other.
pub type Handed<'a, T> = Box<dyn Iterator<Item = Result<T>> + Send + 'a>;

/// An engine for events. Its results are those of the single-machine run, so the datasets are the same bytes.
pub trait EventEngine: Sync {
    /// Its name and version, for manifests.
    fn name(&self) -> String;

    /// The timeline rows of a dataset, in the batches and the order in which its file is read.
    fn timeline<'a>(&'a self, job: TimelineJob<'a>) -> Result<Handed<'a, TimelineRows>>;

    /// The facts of each profile that has activities, by its id, in any order and in any number of parts.
    fn facts<'a>(&'a self, job: FactsJob<'a>) -> Result<Handed<'a, Vec<(String, GatheredFacts)>>>;
}

/// Notes in a manifest which engine made the folder; a folder of the single-machine run has no such fact.
pub fn note(manifest: &mut Manifest, engine: Option<&dyn EventEngine>) {
    if let Some(engine) = engine {
        manifest.facts.insert("engine".to_owned(), engine.name());
    }
}
