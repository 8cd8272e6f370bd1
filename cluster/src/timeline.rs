//! The scalar functions that put staged rows on the timeline, and their results back as the rows that the steps write. Every rule is the
//! library's; here is only the form in which rows and results travel.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow::array::{Array as _, ArrayRef, AsArray as _, ListArray, RecordBatch, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use crm_backfill::consolidate::consent::contact_points::Address;
use crm_backfill::consolidate::timeline::{Complaint, EventTimeline, Signal, TimelineRows};
use crm_backfill::consolidate::{Departure, Departures, Directory, JoinedPeople, Options};
use crm_backfill::model::{Channel, Code as _, Source, Timestamp};
use crm_backfill::steps::engine::EventDataset;
use crm_backfill::tables::check::{departures, ledger};
use crm_backfill::tables::crm::{activities, campaign_interactions};
use crm_backfill::tables::stage::{bookings, messages};
use crm_backfill::tables::{Builder as _, Table, Text};
use crm_backfill::{coded, table};
use datafusion::common::{DataFusionError, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

coded! {
    /// What a row tells of a record beyond the timeline.
    pub enum SignalKind {
        /// A player has a booking.
        Booked = "BOOKED",
        /// A message to a contact's email bounced softly.
        EmailSoftBounce = "EMAIL_SOFT_BOUNCE",
        /// … or hard.
        EmailHardBounce = "EMAIL_HARD_BOUNCE",
        /// A message to a contact's email was delivered.
        EmailReached = "EMAIL_REACHED",
        /// A message to a contact's phone bounced softly.
        PhoneSoftBounce = "PHONE_SOFT_BOUNCE",
        /// … or hard.
        PhoneHardBounce = "PHONE_HARD_BOUNCE",
        /// A message to a contact's phone was delivered.
        PhoneReached = "PHONE_REACHED",
        /// A contact reported a message as spam.
        Complained = "COMPLAINED",
        /// A contact that is not exported did.
        UnknownComplained = "UNKNOWN_COMPLAINED",
    }
}

table! {
    /// A fact of a staged row that later parts of consolidation need.
    pub mod row_signals = "row__signals", key(row_id) {
        /// The staged row.
        row_id: Text,
        /// The record, by its id in the source; null if it is not exported.
        record: Option<Text>,
        /// What the row tells.
        kind: SignalKind,
        /// The channel of a complaint.
        channel: Option<Channel>,
        /// When; null if the row has no date.
        at: Option<Timestamp>,
    }
}

/// What a function gives for each row: its line of the ledger and lists of rows of the other datasets.
const LISTS: [(&str, fn() -> SchemaRef); 4] = [
    ("activities", activities::Table::schema),
    ("interactions", campaign_interactions::Table::schema),
    ("signals", row_signals::Table::schema),
    // The counts of a whole batch, with its first row.
    ("departures", departures::Table::schema),
];

/// The fields of a dataset without their descriptions, which need not travel.
fn bare(schema: &Schema) -> Fields {
    schema.fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), field.is_nullable())).collect()
}

fn item(schema: &Schema) -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(bare(schema)), false))
}

fn result_fields() -> Fields {
    let ledger = Field::new("ledger", DataType::Struct(bare(&ledger::Table::schema())), false);
    let lists = LISTS.iter().map(|(name, schema)| Field::new(*name, DataType::List(item(&schema())), false));
    std::iter::once(ledger).chain(lists).collect()
}

/// `booking_rows` and `message_rows`: whether the person of a staged row has a link, its profile and tenant, then the columns of the row
/// → the rows that it becomes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct EventRows {
    name: &'static str,
    settings: String,
    signature: Signature,
}

const BOOKINGS: &str = "booking_rows";
const MESSAGES: &str = "message_rows";
/// Arguments before the columns of the row.
const LINK: [DataType; 3] = [DataType::Boolean, DataType::Utf8, DataType::Utf8];

impl EventRows {
    /// The function for a dataset.
    pub fn of(events: EventDataset, options: &Options) -> Self {
        let settings = serde_json::to_string(options).expect("settings have a JSON form");
        match events {
            EventDataset::Bookings => Self::with::<bookings::Table>(BOOKINGS, settings),
            EventDataset::Messages => Self::with::<messages::Table>(MESSAGES, settings),
        }
    }

    /// The function of this name, with settings that travelled.
    pub fn named(name: &str, settings: String) -> Option<Self> {
        match name {
            BOOKINGS => Some(Self::with::<bookings::Table>(BOOKINGS, settings)),
            MESSAGES => Some(Self::with::<messages::Table>(MESSAGES, settings)),
            _ => None,
        }
    }

    fn with<T: Table>(name: &'static str, settings: String) -> Self {
        let columns = T::schema().fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
        let signature = Signature::exact([LINK.to_vec(), columns].concat(), Volatility::Immutable);
        Self { name, settings, signature }
    }

    /// The settings, as they travel.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    fn rows(&self, arguments: &[ArrayRef]) -> Result<StructArray> {
        let options: Options = serde_json::from_str(&self.settings)?;
        let (link, columns) = arguments.split_at_checked(LINK.len()).context("too few arguments")?;
        let people = people(link)?;
        let timeline = EventTimeline { people: &people, options: &options };
        match self.name {
            BOOKINGS => {
                let columns = staged::<bookings::Table>(columns)?;
                nested(&timeline.bookings(&columns), |row| columns.source_id(row))
            }
            _ => {
                let columns = staged::<messages::Table>(columns)?;
                nested(&timeline.messages(&columns), |row| columns.source_id(row))
            }
        }
    }
}

impl ScalarUDFImpl for EventRows {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::Struct(result_fields()))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let arguments = call.args.iter().map(|argument| argument.to_array(call.number_rows));
        let rows = self.rows(&arguments.collect::<datafusion::common::Result<Vec<_>>>()?);
        let rows = rows.map_err(|error| exec_datafusion_err!("{}: {error}", self.name))?;
        Ok(ColumnarValue::Array(Arc::new(rows)))
    }
}

/// Who the rows belong to, by the columns of the join.
fn people(link: &[ArrayRef]) -> Result<JoinedPeople<'_>> {
    let (is_known, profiles, tenants) = (link[0].as_boolean(), link[1].as_string::<i32>(), link[2].as_string::<i32>());
    let mut people = JoinedPeople::default();
    for row in 0..is_known.len() {
        let profile = profiles.is_valid(row).then(|| profiles.value(row));
        let tenant = tenants.is_valid(row).then(|| tenants.value(row));
        people.push(is_known.is_valid(row) && is_known.value(row), profile, tenant).context("a profile's id is not a UUID")?;
    }
    Ok(people)
}

fn staged<T: Table>(columns: &[ArrayRef]) -> Result<T::Columns> {
    let batch = RecordBatch::try_new(T::schema(), columns.to_vec())?;
    Ok(T::columns(&batch)?)
}

/// The result of a batch, one entry per row.
fn nested<'a>(rows: &TimelineRows, source_id: impl Fn(usize) -> &'a str) -> Result<StructArray> {
    let count = rows.ledger.num_rows();
    let ledger_rows = ledger::Table::columns(&rows.ledger)?;
    let mut signals = row_signals::Builder::new(rows.signals.len());
    let mut of_row = 0;
    for (row, end) in rows.ends.iter().enumerate() {
        while of_row < end.signals {
            signals.push(packed(&rows.signals[of_row], ledger_rows.source_id(row), source_id(row)));
            of_row += 1;
        }
    }
    let mut counts = departures::Builder::new(0);
    rows.departures.rows().filter(|departure| departure.row_count > 0).for_each(|departure| counts.push(departure));
    let counts = counts.finish();
    let lists: [(RecordBatch, Vec<usize>); LISTS.len()] = [
        (rows.activities.clone(), rows.ends.iter().map(|end| end.activities).collect()),
        (rows.interactions.clone(), rows.ends.iter().map(|end| end.interactions).collect()),
        (signals.finish(), rows.ends.iter().map(|end| end.signals).collect()),
        (counts.clone(), vec![counts.num_rows(); count]),
    ];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(structs(&rows.ledger))];
    for (values, ends) in lists {
        let offsets = std::iter::once(0).chain(ends).map(i32::try_from).collect::<Result<Vec<i32>, _>>()?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        columns.push(Arc::new(ListArray::try_new(item(&values.schema()), offsets, Arc::new(structs(&values)), None)?));
    }
    Ok(StructArray::try_new_with_length(result_fields(), columns, None, count)?)
}

fn structs(batch: &RecordBatch) -> StructArray {
    StructArray::new(bare(&batch.schema()), batch.columns().to_vec(), None)
}

fn packed<'a>(signal: &Signal, row_id: &'a str, record: &'a str) -> row_signals::Row<'a> {
    use SignalKind::{
        Booked, Complained, EmailHardBounce, EmailReached, EmailSoftBounce, PhoneHardBounce, PhoneReached, PhoneSoftBounce,
        UnknownComplained,
    };
    let (kind, channel, at) = match signal {
        Signal::Booked(_) => (Booked, None, None),
        Signal::Bounced(_, Address::Email, at, is_hard) => {
            (if *is_hard { EmailHardBounce } else { EmailSoftBounce }, None, Some(*at))
        }
        Signal::Bounced(_, Address::Phone, at, is_hard) => {
            (if *is_hard { PhoneHardBounce } else { PhoneSoftBounce }, None, Some(*at))
        }
        Signal::Reached(_, Address::Email, at) => (EmailReached, None, Some(*at)),
        Signal::Reached(_, Address::Phone, at) => (PhoneReached, None, Some(*at)),
        Signal::Complained(complaint) => (Complained, Some(complaint.channel), complaint.at),
        Signal::UnknownComplained(_) => (UnknownComplained, None, None),
    };
    let record = Some(record).filter(|_| kind != UnknownComplained);
    row_signals::Row { row_id, record, kind, channel, at }
}

fn unpacked(row: &row_signals::Row<'_>, source: Source, directory: &Directory) -> Result<Signal> {
    let row_id = row.row_id.to_owned();
    if row.kind == SignalKind::UnknownComplained {
        return Ok(Signal::UnknownComplained(row_id));
    }
    let record = row.record.and_then(|id| directory.record(source, id)).context("a fact of a record that is not staged")?;
    let at = || row.at.context("a delivery without a date");
    Ok(match row.kind {
        SignalKind::Booked => Signal::Booked(record),
        SignalKind::EmailSoftBounce => Signal::Bounced(record, Address::Email, at()?, false),
        SignalKind::EmailHardBounce => Signal::Bounced(record, Address::Email, at()?, true),
        SignalKind::EmailReached => Signal::Reached(record, Address::Email, at()?),
        SignalKind::PhoneSoftBounce => Signal::Bounced(record, Address::Phone, at()?, false),
        SignalKind::PhoneHardBounce => Signal::Bounced(record, Address::Phone, at()?, true),
        SignalKind::PhoneReached => Signal::Reached(record, Address::Phone, at()?),
        SignalKind::Complained | SignalKind::UnknownComplained => {
            let channel = row.channel.context("a complaint without a channel")?;
            Signal::Complained(Complaint { contact: record, channel, at: row.at, row_id })
        }
    })
}

/// The rows of a page, from results in the order of places.
pub fn page(results: &[StructArray], source: Source, directory: &Directory) -> Result<TimelineRows> {
    let ledger = joined::<ledger::Table>(results.iter().map(|result| result.column(0).as_struct().clone()))?;
    let list = |place: usize| {
        results.iter().map(move |result| {
            let list = result.column(place + 1).as_list::<i32>();
            let (first, last) = (list.value_offsets()[0], list.value_offsets()[list.len()]);
            let at = |offset| usize::try_from(offset).unwrap_or(0);
            list.values().as_struct().slice(at(first), at(last) - at(first))
        })
    };
    let (activities, interactions) = (joined::<activities::Table>(list(0))?, joined::<campaign_interactions::Table>(list(1))?);
    let signals = row_signals::Table::columns(&joined::<row_signals::Table>(list(2))?)?;
    let signals = signals.rows().map(|row| unpacked(&row, source, directory)).collect::<Result<Vec<_>>>()?;
    let counts = departures::Table::columns(&joined::<departures::Table>(list(3))?)?;
    let mut departures = Departures::default();
    for row in counts.rows() {
        let departure = Departure::from_code(row.departure).context("a deviation of another version")?;
        departures.add(departure, row.row_count);
    }
    Ok(TimelineRows { activities, interactions, ledger, signals, departures, ends: Vec::new() })
}

/// The rows of a dataset, with its own schema.
fn joined<T: Table>(parts: impl Iterator<Item = StructArray>) -> Result<RecordBatch> {
    let schema = T::schema();
    let batches = parts.map(|part| RecordBatch::try_new(schema.clone(), part.columns().to_vec()));
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    match batches.as_slice() {
        [only] => Ok(only.clone()),
        _ => Ok(concat_batches(&schema, &batches)?),
    }
}

/// The function's result in a batch of the engine, by the name of its column.
pub fn results(batch: &RecordBatch, column: &str) -> Result<StructArray, DataFusionError> {
    let found = batch.column_by_name(column).and_then(|column| column.as_struct_opt());
    found.cloned().ok_or_else(|| exec_datafusion_err!("the engine's result has no column {column:?}"))
}
