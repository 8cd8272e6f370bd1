//! The aggregate function that gathers what the activities of a profile come to. Windows, signs and sums are the library's.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BinaryArray, BooleanArray, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, TimestampMicrosecondType};
use crm_backfill::model::{ActivityCategory, Code as _, Timestamp};
use crm_backfill::score::{GatheredFacts, ScoreOptions, ScoredActivity, Windows};
use crm_backfill::tables::Table as _;
use crm_backfill::tables::crm::activities;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
use serde::{Deserialize, Serialize};

/// The columns of an activity that it takes, in order.
const COLUMNS: [&str; 5] = ["activity_type", "category", "channel", "occurred_at", "metadata"];

/// What the windows and signs depend on.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct FactsSettings {
    as_of: Timestamp,
    options: ScoreOptions,
}

/// `profile_facts`: the columns of the activities of a profile → their facts, as bytes that [`facts`] reads.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ProfileFacts {
    settings: String,
    signature: Signature,
}

impl ProfileFacts {
    /// Its name in SQL.
    pub const NAME: &'static str = "profile_facts";

    /// The function for a run.
    pub fn of(as_of: Timestamp, options: &ScoreOptions) -> Self {
        let settings = FactsSettings { as_of, options: options.clone() };
        Self::new(serde_json::to_string(&settings).expect("settings have a JSON form"))
    }

    /// The function with settings that travelled.
    pub fn new(settings: String) -> Self {
        let schema = activities::Table::schema();
        let of_column = |name: &&str| schema.field_with_name(name).expect("a declared column").data_type().clone();
        let signature = Signature::exact(COLUMNS.iter().map(of_column).collect(), Volatility::Immutable);
        Self { settings, signature }
    }

    /// The settings, as they travel.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    fn gathering(&self) -> Result<Gathering> {
        let settings: FactsSettings =
            serde_json::from_str(&self.settings).map_err(|error| exec_datafusion_err!("settings of the scores: {error}"))?;
        Ok(Gathering { windows: settings.options.windows(settings.as_of), options: settings.options, groups: Vec::new() })
    }
}

impl AggregateUDFImpl for ProfileFacts {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn state_fields(&self, _: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new("facts", DataType::Binary, true))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(self.gathering()?))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.gathering()?))
    }
}

/// The facts of some profiles on their way.
#[derive(Debug)]
struct Gathering {
    windows: Windows,
    options: ScoreOptions,
    groups: Vec<GatheredFacts>,
}

/// The columns of some activities.
struct ActivityColumns<'a> {
    types: &'a StringArray,
    categories: &'a StringArray,
    channels: &'a StringArray,
    instants: &'a arrow::array::TimestampMicrosecondArray,
    metadata: &'a StringArray,
}

impl<'a> ActivityColumns<'a> {
    fn of(values: &'a [ArrayRef]) -> Result<Self> {
        let [types, categories, channels, instants, metadata] = values else {
            return Err(exec_datafusion_err!("{} takes {} columns", ProfileFacts::NAME, COLUMNS.len()));
        };
        Ok(Self {
            types: types.as_string(),
            categories: categories.as_string(),
            channels: channels.as_string(),
            instants: instants.as_primitive::<TimestampMicrosecondType>(),
            metadata: metadata.as_string(),
        })
    }

    fn row(&self, row: usize) -> Result<ScoredActivity<'a>> {
        let text = |column: &'a StringArray| column.is_valid(row).then(|| column.value(row));
        let category = ActivityCategory::from_code(self.categories.value(row));
        Ok(ScoredActivity {
            activity_type: self.types.value(row),
            category: category.ok_or_else(|| exec_datafusion_err!("an activity has a category of another version"))?,
            channel: text(self.channels),
            occurred_at: Timestamp(self.instants.value(row)),
            metadata: text(self.metadata),
        })
    }
}

impl Gathering {
    fn add(&mut self, group: usize, activity: &ScoredActivity<'_>) {
        self.groups[group].add(activity, &self.windows, &self.options);
    }

    fn taken(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        let bytes = groups.iter().map(packed).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(BinaryArray::from_iter_values(bytes)))
    }
}

impl GroupsAccumulator for Gathering {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups.resize(total_num_groups, GatheredFacts::default());
        let columns = ActivityColumns::of(values)?;
        for (row, &group) in group_indices.iter().enumerate() {
            if filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                self.add(group, &columns.row(row)?);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.groups.resize(total_num_groups, GatheredFacts::default());
        for (facts, &group) in facts(&values[0]).zip(group_indices) {
            self.groups[group].merge(&facts?);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.taken(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.taken(emit_to)?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values[0].len();
        let mut alone = Self { windows: self.windows, options: self.options.clone(), groups: Vec::new() };
        GroupsAccumulator::update_batch(&mut alone, values, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        GroupsAccumulator::state(&mut alone, EmitTo::All)
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<GatheredFacts>()
    }
}

/// Without groups: one for all rows.
impl Accumulator for Gathering {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        GroupsAccumulator::update_batch(self, values, &vec![0; values[0].len()], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.groups.resize(1, GatheredFacts::default());
        Ok(ScalarValue::Binary(Some(packed(&self.groups[0])?)))
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![Accumulator::evaluate(self)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        GroupsAccumulator::merge_batch(self, states, &vec![0; states[0].len()], 1)
    }
}

fn packed(facts: &GatheredFacts) -> Result<Vec<u8>> {
    postcard::to_stdvec(facts).map_err(|error| exec_datafusion_err!("facts cannot be written: {error}"))
}

/// The facts in a column that the function gave.
pub fn facts(column: &ArrayRef) -> impl Iterator<Item = Result<GatheredFacts>> + '_ {
    let read = |bytes: Option<&[u8]>| {
        postcard::from_bytes(bytes.unwrap_or_default()).map_err(|error| exec_datafusion_err!("facts cannot be read: {error}"))
    };
    column.as_binary::<i32>().iter().map(read)
}
