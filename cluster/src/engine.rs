//! The engines: DataFusion in this process, and a Ballista cluster. Both run the statements of `sql/cluster` over the same tables.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use arrow::array::{AsArray as _, RecordBatch, StructArray};
use arrow::datatypes::Int64Type;
use ballista::prelude::{SessionConfigExt as _, SessionContextExt as _};
use crm_backfill::consolidate::Directory;
use crm_backfill::consolidate::timeline::TimelineRows;
use crm_backfill::model::Source;
use crm_backfill::score::GatheredFacts;
use crm_backfill::steps::engine::{EventDataset, EventEngine, FactsJob, Handed, TimelineJob};
use crm_backfill::store::Folder;
use crm_backfill::tables::Table;
use crm_backfill::tables::crm::activities;
use crm_backfill::tables::resolution::links;
use crm_backfill::tables::stage::{bookings, messages};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;
use url::Url;

use crate::codec::{PlanCodec, StageCodec};
use crate::facts::{ProfileFacts, facts};
use crate::faults::engine_fault;
use crate::scan::{DatasetFile, DatasetTable, PAGE_ROWS, PLACE};
use crate::timeline::{EventRows, page, results};

/// The column of the statements in which the rows of an event are.
const EVENT_ROWS: &str = "event_rows";
const BOOKINGS: &str = include_str!("../../sql/cluster/bookings.sql");
const MESSAGES: &str = include_str!("../../sql/cluster/messages.sql");
const FACTS: &str = include_str!("../../sql/cluster/facts.sql");

/// Where plans run.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this process.
    Local {
        /// Bytes that joins, sorts and sums may take; beyond them they use the disk, or fail where they cannot.
        memory_limit: usize,
    },
    /// On the cluster of a Ballista scheduler, `df://HOST:PORT`.
    Cluster(Url),
}

/// DataFusion as the engine of the steps.
pub struct DataFusionEngine {
    place: Place,
    partitions: usize,
    runtime: Runtime,
}

impl DataFusionEngine {
    /// An engine that divides its work into so many partitions.
    pub fn new(place: Place, partitions: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Self { place, partitions, runtime })
    }

    /// Starts a statement over some tables; `scratch` is where rows wait that do not fit in the memory of this process.
    fn query(&self, query: Query, scratch: &Path) -> Result<Batches<'_>> {
        let Query { sql, function, tables } = query;
        let started = self.runtime.block_on(async {
            let context = context(&self.place, self.partitions, scratch).await?;
            match function {
                Function::Rows(function) => context.register_udf(ScalarUDF::new_from_impl(function)),
                Function::Facts(function) => context.register_udaf(AggregateUDF::new_from_impl(function)),
            }
            for (name, file) in tables {
                context.register_table(name.as_str(), Arc::new(DatasetTable::new(file)?))?;
            }
            context.sql(sql).await?.execute_stream().await
        });
        let stream = started.map_err(|error| engine_fault(&self.place, &error))?;
        Ok(Batches { engine: self, stream })
    }
}

/// A statement with its function and its tables.
struct Query {
    sql: &'static str,
    function: Function,
    tables: Vec<(String, DatasetFile)>,
}

enum Function {
    Rows(EventRows),
    Facts(ProfileFacts),
}

async fn context(place: &Place, partitions: usize, scratch: &Path) -> datafusion::error::Result<SessionContext> {
    let config = match place {
        Place::Local { .. } => SessionConfig::new(),
        Place::Cluster(_) => SessionConfig::new_with_ballista()
            .with_ballista_logical_extension_codec(Arc::new(PlanCodec::default()))
            .with_ballista_physical_extension_codec(Arc::new(StageCodec::default()))
            .with_ballista_broadcast_join_threshold_bytes(usize::MAX),
    };
    let mut config = config.with_target_partitions(partitions).with_batch_size(PAGE_ROWS);
    let optimizer = &mut config.options_mut().optimizer;
    // The links of all people are in memory, once per process, as in the single-machine run; events pass by in their order.
    optimizer.hash_join_single_partition_threshold = usize::MAX;
    optimizer.hash_join_single_partition_threshold_rows = usize::MAX;
    let runtime = RuntimeEnvBuilder::new().with_temp_file_path(scratch);
    let runtime = match place {
        Place::Local { memory_limit } => runtime.with_memory_pool(Arc::new(FairSpillPool::new(*memory_limit))),
        Place::Cluster(_) => runtime,
    };
    let state =
        SessionStateBuilder::new().with_config(config).with_runtime_env(runtime.build_arc()?).with_default_features().build();
    match place {
        Place::Local { .. } => Ok(SessionContext::new_with_state(state)),
        Place::Cluster(url) => SessionContext::remote_with_state(url.as_str(), state).await,
    }
}

/// A dataset of a folder as a table under its name, after checking its hash.
fn table<T: Table>(folder: &Folder, source: Option<Source>) -> Result<(String, DatasetFile)> {
    let name = T::stem(source);
    let file = format!("{name}.parquet");
    let entry = folder.verify(&file)?;
    let path = std::path::absolute(folder.path().join(file))?;
    Ok((name, DatasetFile { dataset: T::STEM.to_owned(), path, rows: entry.rows, bytes: entry.bytes }))
}

impl EventEngine for DataFusionEngine {
    fn name(&self) -> String {
        let place = match self.place {
            Place::Local { .. } => "local",
            Place::Cluster(_) => "ballista",
        };
        format!("datafusion {} {place}", datafusion::DATAFUSION_VERSION)
    }

    fn timeline<'a>(&'a self, job: TimelineJob<'a>) -> Result<Handed<'a, TimelineRows>> {
        let TimelineJob { events, stage, resolved, directory, options, scratch } = job;
        let (sql, source, staged) = match events {
            EventDataset::Bookings => (BOOKINGS, Source::Teetime, table::<bookings::Table>(stage, Some(Source::Teetime))?),
            EventDataset::Messages => (MESSAGES, Source::Messaging, table::<messages::Table>(stage, Some(Source::Messaging))?),
        };
        let rows = i64::try_from(staged.1.rows)?;
        let tables = vec![table::<links::Table>(resolved, None)?, staged];
        let batches = self.query(Query { sql, function: Function::Rows(EventRows::of(events, options)), tables }, scratch)?;
        Ok(Box::new(Pages { batches, source, directory, rows, next: 0, waiting: Vec::new(), ready: VecDeque::new() }))
    }

    fn facts<'a>(&'a self, job: FactsJob<'a>) -> Result<Handed<'a, Vec<(String, GatheredFacts)>>> {
        let function = Function::Facts(ProfileFacts::of(job.as_of, job.options));
        let tables = vec![table::<activities::Table>(job.crm, None)?];
        let batches = self.query(Query { sql: FACTS, function, tables }, job.scratch)?;
        Ok(Box::new(batches.map(|batch| {
            let batch = batch?;
            let ids = batch.column(0).as_string_opt::<i32>().context("the ids of profiles are texts")?;
            let ids = ids.iter().map(|id| id.unwrap_or_default().to_owned());
            ids.zip(facts(batch.column(1))).map(|(id, facts)| Ok((id, facts?))).collect()
        })))
    }
}

/// The batches of a statement, as they come.
struct Batches<'a> {
    engine: &'a DataFusionEngine,
    stream: SendableRecordBatchStream,
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.engine.runtime.block_on(self.stream.next())?;
        Some(batch.map_err(|error| engine_fault(&self.engine.place, &error)))
    }
}

/// The rows of the timeline, page by page.
struct Pages<'a> {
    batches: Batches<'a>,
    source: Source,
    directory: &'a Directory,
    /// Rows of the staged file.
    rows: i64,
    /// The place that comes next.
    next: i64,
    /// Parts of the page that is not complete yet.
    waiting: Vec<StructArray>,
    /// Complete pages.
    ready: VecDeque<Vec<StructArray>>,
}

impl Pages<'_> {
    /// Divides a batch into pages. Every place must come, in order.
    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let places = batch.column_by_name(PLACE).and_then(|places| places.as_primitive_opt::<Int64Type>());
        let places = places.context("the engine's result has no places")?.values();
        let rows = results(batch, EVENT_ROWS)?;
        ensure!(places.iter().copied().eq(self.next..self.next + places.len() as i64), "the engine's result is out of order");
        let page_rows = PAGE_ROWS as i64;
        let mut from = 0;
        while from < places.len() {
            let left = usize::try_from(page_rows - self.next % page_rows)?;
            let count = left.min(places.len() - from);
            self.waiting.push(rows.slice(from, count));
            from += count;
            self.next += count as i64;
            if self.next % page_rows == 0 {
                self.ready.push_back(std::mem::take(&mut self.waiting));
            }
        }
        Ok(())
    }

    fn page(&mut self) -> Result<Option<TimelineRows>> {
        while self.ready.is_empty() {
            match self.batches.next() {
                Some(batch) => self.take(&batch?)?,
                None => {
                    ensure!(self.next == self.rows, "the engine's result has {} of {} rows", self.next, self.rows);
                    if self.waiting.is_empty() {
                        return Ok(None);
                    }
                    self.ready.push_back(std::mem::take(&mut self.waiting));
                }
            }
        }
        self.ready.pop_front().map(|parts| page(&parts, self.source, self.directory)).transpose()
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<TimelineRows>;

    fn next(&mut self) -> Option<Self::Item> {
        self.page().transpose()
    }
}
