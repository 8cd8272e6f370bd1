//! How plans travel between client, scheduler and executors: files and functions with their settings, and the version of who sends them.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, TableReference, exec_datafusion_err, exec_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, AggregateUDFImpl, Extension, LogicalPlan, ScalarUDF, ScalarUDFImpl};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::facts::ProfileFacts;
use crate::scan::{DatasetFile, DatasetScan, DatasetTable};
use crate::timeline::EventRows;

/// What the bytes of ours begin with; Ballista's are Protobuf, which never begins with a capital letter.
const MARK: &[u8] = b"CRM ";

/// The sources that a binary was built from, those of the program and those of the engines: both sides of a plan must have the same
/// rules.
const VERSION: [&str; 2] = [crm_backfill::launch::SOURCES, env!("CRM_BACKFILL_CLUSTER_SOURCES")];

/// The same as a text.
pub fn version() -> String {
    VERSION.join("-")
}

/// What a client, a scheduler and an executor tell each other of a part of a plan.
#[derive(Deserialize, Serialize)]
struct Parcel<T> {
    version: String,
    content: T,
}

/// A scan as it travels.
#[derive(Deserialize, Serialize)]
struct ScanParcel {
    file: DatasetFile,
    columns: Vec<usize>,
    shares: usize,
}

fn pack(content: impl Serialize, buffer: &mut Vec<u8>) -> Result<()> {
    let parcel = Parcel { version: version(), content };
    buffer.extend_from_slice(MARK);
    serde_json::to_writer(buffer, &parcel).map_err(|error| exec_datafusion_err!("a plan cannot be written: {error}"))
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let unreadable = |error: serde_json::Error| exec_datafusion_err!("a plan of another version: {error}");
    let text = bytes.strip_prefix(MARK).unwrap_or_default();
    // The version first: what follows may have another form in another version.
    let parcel: Parcel<serde_json::Value> = serde_json::from_slice(text).map_err(unreadable)?;
    if parcel.version != version() {
        return exec_err!("version mismatch: built from sources {}, the plan comes from sources {}", version(), parcel.version);
    }
    serde_json::from_value(parcel.content).map_err(unreadable)
}

fn scalar(name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
    let settings: String = unpack(bytes)?;
    match EventRows::named(name, settings) {
        Some(function) => Ok(Arc::new(ScalarUDF::new_from_impl(function))),
        None => exec_err!("there is no function {name:?} in this version"),
    }
}

fn aggregate(name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
    match name {
        ProfileFacts::NAME => Ok(Arc::new(AggregateUDF::new_from_impl(ProfileFacts::new(unpack(bytes)?)))),
        _ => exec_err!("there is no aggregate function {name:?} in this version"),
    }
}

fn pack_scalar(function: &ScalarUDF, buffer: &mut Vec<u8>) -> Result<()> {
    let inner: &dyn ScalarUDFImpl = function.inner().as_ref();
    match (inner as &dyn Any).downcast_ref::<EventRows>() {
        Some(ours) => pack(ours.settings(), buffer),
        None => Ok(()),
    }
}

fn pack_aggregate(function: &AggregateUDF, buffer: &mut Vec<u8>) -> Result<()> {
    let inner: &dyn AggregateUDFImpl = function.inner().as_ref();
    match (inner as &dyn Any).downcast_ref::<ProfileFacts>() {
        Some(ours) => pack(ours.settings(), buffer),
        None => Ok(()),
    }
}

/// Logical plans, from a client to a scheduler.
#[derive(Debug, Default)]
pub struct PlanCodec {
    ballista: BallistaLogicalExtensionCodec,
}

impl LogicalExtensionCodec for PlanCodec {
    fn try_decode(&self, bytes: &[u8], inputs: &[LogicalPlan], context: &TaskContext) -> Result<Extension> {
        self.ballista.try_decode(bytes, inputs, context)
    }

    fn try_encode(&self, node: &Extension, buffer: &mut Vec<u8>) -> Result<()> {
        self.ballista.try_encode(node, buffer)
    }

    fn try_decode_table_provider(
        &self,
        bytes: &[u8],
        table: &TableReference,
        schema: SchemaRef,
        context: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        if bytes.starts_with(MARK) {
            return Ok(Arc::new(DatasetTable::new(unpack(bytes)?)?));
        }
        self.ballista.try_decode_table_provider(bytes, table, schema, context)
    }

    fn try_encode_table_provider(
        &self,
        table: &TableReference,
        provider: Arc<dyn TableProvider>,
        buffer: &mut Vec<u8>,
    ) -> Result<()> {
        match (provider.as_ref() as &dyn Any).downcast_ref::<DatasetTable>() {
            Some(ours) => pack(&ours.file, buffer),
            None => self.ballista.try_encode_table_provider(table, provider, buffer),
        }
    }

    fn try_decode_file_format(&self, bytes: &[u8], context: &TaskContext) -> Result<Arc<dyn FileFormatFactory>> {
        self.ballista.try_decode_file_format(bytes, context)
    }

    fn try_encode_file_format(&self, buffer: &mut Vec<u8>, node: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.ballista.try_encode_file_format(buffer, node)
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        scalar(name, bytes)
    }

    fn try_encode_udf(&self, function: &ScalarUDF, buffer: &mut Vec<u8>) -> Result<()> {
        pack_scalar(function, buffer)
    }

    fn try_decode_udaf(&self, name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
        aggregate(name, bytes)
    }

    fn try_encode_udaf(&self, function: &AggregateUDF, buffer: &mut Vec<u8>) -> Result<()> {
        pack_aggregate(function, buffer)
    }
}

/// Stages of physical plans, from a scheduler to its executors.
#[derive(Debug, Default)]
pub struct StageCodec {
    ballista: BallistaPhysicalExtensionCodec,
}

impl PhysicalExtensionCodec for StageCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !bytes.starts_with(MARK) {
            return self.ballista.try_decode(bytes, inputs, context, converter);
        }
        let [input] = inputs else { return exec_err!("a scan has one input") };
        let ScanParcel { file, columns, shares } = unpack(bytes)?;
        Ok(Arc::new(DatasetScan::new(file, columns, shares, input.clone())?))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buffer: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(scan) = (node.as_ref() as &dyn Any).downcast_ref::<DatasetScan>() else {
            return self.ballista.try_encode(node, buffer, converter);
        };
        let DatasetScan { file, columns, shares, .. } = scan;
        pack(ScanParcel { file: file.clone(), columns: columns.clone(), shares: *shares }, buffer)
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        scalar(name, bytes)
    }

    fn try_encode_udf(&self, function: &ScalarUDF, buffer: &mut Vec<u8>) -> Result<()> {
        pack_scalar(function, buffer)
    }

    fn try_decode_udaf(&self, name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
        aggregate(name, bytes)
    }

    fn try_encode_udaf(&self, function: &AggregateUDF, buffer: &mut Vec<u8>) -> Result<()> {
        pack_aggregate(function, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_of_other_sources_is_refused_by_name() {
        let mut bytes = Vec::new();
        pack("content", &mut bytes).unwrap();
        assert_eq!(unpack::<String>(&bytes).unwrap(), "content");
        let other = String::from_utf8(bytes).unwrap().replace(&version(), "0123456789abcdef");
        let refused = unpack::<String>(other.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(&version()) && refused.contains("0123456789abcdef"), "{refused}");
    }
}
