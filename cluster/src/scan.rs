//! A dataset's file as a table of the engine: its columns, and the place of each row in the file, by which results are put in order.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, exec_datafusion_err, exec_err, plan_datafusion_err, plan_err};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderOptions, RowSelection, RowSelector};
use datafusion::parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use datafusion::parquet::file::metadata::PageIndexPolicy;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, Partitioning, PlanProperties,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

/// The column with the place of a row in its file, from 0.
pub const PLACE: &str = "place";
/// Rows of a batch: as many as the single-machine run reads at once, so that both write the same batches.
pub const PAGE_ROWS: usize = 16_384;

/// The file of a dataset: where it is, and how large its manifest says that it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DatasetFile {
    /// The dataset by its declared stem, with `{source}` where each source has its own.
    pub dataset: String,
    /// Where every process of a cluster can read it.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
}

impl DatasetFile {
    /// The place of each row and the declared columns.
    pub fn schema(&self) -> Result<SchemaRef> {
        let declared = crm_backfill::datasets::all().into_iter().find(|dataset| dataset.stem == self.dataset);
        let declared = declared.ok_or_else(|| plan_datafusion_err!("there is no dataset {:?} in this version", self.dataset))?;
        let place = Field::new(PLACE, DataType::Int64, false);
        let columns = declared.columns.iter().map(|column| Field::new(column.name, (column.data_type)(), column.nullable));
        Ok(Arc::new(Schema::new(std::iter::once(place).chain(columns).collect::<Vec<_>>())))
    }

    fn pages(&self) -> usize {
        usize::try_from(self.rows).unwrap_or(usize::MAX).div_ceil(PAGE_ROWS)
    }
}

/// The table of a file.
#[derive(Debug)]
pub struct DatasetTable {
    /// The file.
    pub file: DatasetFile,
    schema: SchemaRef,
}

impl DatasetTable {
    /// The table of a declared dataset.
    pub fn new(file: DatasetFile) -> Result<Self> {
        Ok(Self { schema: file.schema()?, file })
    }
}

#[async_trait]
impl TableProvider for DatasetTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(statistics(&self.file, &self.schema))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let partitions = session.config().target_partitions().min(self.file.pages()).max(1);
        Ok(Arc::new(DatasetScan::of_shares(self.file.clone(), columns, partitions)?))
    }
}

fn statistics(file: &DatasetFile, schema: &Schema) -> Statistics {
    let exactly = |count: u64| Precision::Exact(usize::try_from(count).unwrap_or(usize::MAX));
    Statistics {
        num_rows: exactly(file.rows),
        total_byte_size: exactly(file.bytes).to_inexact(),
        ..Statistics::new_unknown(schema)
    }
}

/// Reads some columns of a file. Share `s` of `n` has the pages `s`, `s + n`, `s + 2n`, …, so that what is merged in the order of places is
/// worked on by all partitions at once. Which share a partition reads is a row of its input: a Ballista task has some partitions of a
/// plan, and divides data that it knows among them, but no leaf of ours.
#[derive(Debug)]
pub struct DatasetScan {
    /// The file.
    pub file: DatasetFile,
    /// Positions of the columns in the schema of the table.
    pub columns: Vec<usize>,
    /// How many shares.
    pub shares: usize,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl DatasetScan {
    /// A scan of these columns by so many partitions, each with a share.
    pub fn of_shares(file: DatasetFile, columns: Vec<usize>, shares: usize) -> Result<Self> {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("share", DataType::Int64, false)]));
        let number = |share: usize| i64::try_from(share).expect("shares are few");
        let row = |share| RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![number(share)]))]);
        let rows = (0..shares).map(|share| Ok(vec![row(share)?])).collect::<Result<Vec<_>>>()?;
        Self::new(file, columns, shares, MemorySourceConfig::try_new_exec(&rows, schema, None)?)
    }

    /// The same with an input that gives each partition its share.
    pub fn new(file: DatasetFile, columns: Vec<usize>, shares: usize, input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let schema: SchemaRef = Arc::new(file.schema()?.project(&columns)?);
        let ordered = schema.index_of(PLACE).ok().map(|_| col(PLACE, &schema)).transpose()?;
        let ordered = ordered.map(|place| [PhysicalSortExpr::new_default(place)]);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, ordered),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { file, columns, shares, input, properties: Arc::new(properties) })
    }

    /// The rows of a share, as selected and skipped runs.
    fn selection(&self, share: usize) -> RowSelection {
        let rows = usize::try_from(self.file.rows).unwrap_or(usize::MAX);
        let runs = (0..self.file.pages()).map(|page| {
            let count = PAGE_ROWS.min(rows - page * PAGE_ROWS);
            if page % self.shares == share { RowSelector::select(count) } else { RowSelector::skip(count) }
        });
        runs.collect::<Vec<_>>().into()
    }

    /// The place of the `at`th row of a share.
    fn place(&self, share: usize, at: usize) -> i64 {
        let page = share + at / PAGE_ROWS * self.shares;
        i64::try_from(page * PAGE_ROWS + at % PAGE_ROWS).expect("the rows of a file fit in 63 bits")
    }
}

impl DisplayAs for DatasetScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatasetScan: {}, {} columns, {} shares", self.file.dataset, self.columns.len(), self.shares)
    }
}

impl ExecutionPlan for DatasetScan {
    fn name(&self) -> &str {
        "DatasetScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(self.file.clone(), self.columns.clone(), self.shares, input)?)),
            _ => plan_err!("a scan has one input"),
        }
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let schema = self.schema();
        Ok(Arc::new(match partition {
            None => statistics(&self.file, &schema),
            Some(_) => Statistics::new_unknown(&schema),
        }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut shares = self.input.execute(partition, context)?;
        let scan = Self::new(self.file.clone(), self.columns.clone(), self.shares, self.input.clone())?;
        let schema = self.schema();
        let opened = async move {
            let share = shares.next().await.transpose()?;
            let share = share.as_ref().and_then(|row| row.column(0).as_primitive_opt::<Int64Type>()).filter(|row| row.len() == 1);
            let share = share.and_then(|row| usize::try_from(row.value(0)).ok());
            let share = share.ok_or_else(|| exec_datafusion_err!("a partition of a scan has no share"))?;
            let path = scan.file.path.display().to_string();
            let failed = |error: std::io::Error| exec_datafusion_err!("{path}: {error}");
            let reader = tokio::fs::File::open(&scan.file.path).await.map_err(failed)?;
            let bytes = reader.metadata().await.map_err(failed)?.len();
            if bytes != scan.file.bytes {
                return exec_err!("{path} has {bytes} bytes, its manifest says {}", scan.file.bytes);
            }
            let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
            let file = ParquetRecordBatchStreamBuilder::new_with_options(reader, options).await?;
            let rows = file.metadata().file_metadata().num_rows();
            if u64::try_from(rows) != Ok(scan.file.rows) {
                return exec_err!("{path} has {rows} rows, its manifest says {}", scan.file.rows);
            }
            // The file has the declared columns in their order, after the place.
            let wanted = scan.columns.iter().filter_map(|column| column.checked_sub(1));
            let mask = ProjectionMask::roots(file.parquet_schema(), wanted);
            let selection = scan.selection(share);
            let stream = file.with_projection(mask).with_row_selection(selection).with_batch_size(PAGE_ROWS).build()?;
            let mut read = 0;
            Ok(stream.map(move |batch| {
                let batch = batch?;
                let first = read;
                read += batch.num_rows();
                scan.with_places(&batch, share, first)
            }))
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures_util::stream::once(opened).try_flatten())))
    }
}

impl DatasetScan {
    /// A batch of the file in the schema of the scan; `first` rows were read before it.
    fn with_places(&self, batch: &RecordBatch, share: usize, first: usize) -> Result<RecordBatch> {
        let schema = self.schema();
        let columns = schema.fields().iter().map(|field| -> Result<ArrayRef> {
            if field.name() == PLACE {
                let places = (first..first + batch.num_rows()).map(|at| self.place(share, at));
                return Ok(Arc::new(Int64Array::from_iter_values(places)));
            }
            let column = batch.column_by_name(field.name());
            column.cloned().ok_or_else(|| exec_datafusion_err!("{} has no column {:?}", self.file.dataset, field.name()))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_file_have_every_place_once() {
        for (rows, partitions) in [(0, 1), (1, 1), (16_384, 1), (100_000, 1), (100_000, 2), (100_000, 5), (100_000, 7)] {
            let file =
                DatasetFile { dataset: "stg_{source}__messages".to_owned(), path: PathBuf::from("x.parquet"), rows, bytes: 1 };
            let scan = DatasetScan::of_shares(file, vec![0, 1], partitions).unwrap();
            let mut places = Vec::new();
            for partition in 0..partitions {
                let count = scan.selection(partition).row_count();
                let of_partition: Vec<i64> = (0..count).map(|at| scan.place(partition, at)).collect();
                assert!(of_partition.is_sorted());
                places.extend(of_partition);
            }
            places.sort_unstable();
            assert_eq!(places, (0..rows as i64).collect::<Vec<_>>(), "{rows} rows, {partitions} partitions");
        }
    }
}
