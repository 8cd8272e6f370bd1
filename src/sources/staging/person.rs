//! Stages a person record of any source: contact points, names, birth date, and whether it may seed a profile.

use std::borrow::Cow;

use crate::model::association::AssociationNumber;
use crate::model::date::Birth;
use crate::model::email::EmailAddress;
use crate::model::name::{Name, NameReader};
use crate::model::phone::{Phone, holds_national_id, is_dialled_abroad};
use crate::model::reference::{Junk, JunkKind};
use crate::model::text::{LABEL_BYTES, RAW_BYTES, clean, prefix};
use crate::model::{AliasType, Code as _, Day, Reason, Reasons, SkipReason, TenantRule};
use crate::sources::staging::{StageTally, StagingContext, Tenancy, gender};
use crate::tables::stage::{identifiers, people};

/// A raw cell with the name of its column.
#[derive(Clone, Copy, Debug)]
pub struct NamedCell<'a> {
    /// The column.
    pub column: &'static str,
    /// The raw text.
    pub raw: Option<&'a str>,
}

impl<'a> NamedCell<'a> {
    /// A cell.
    pub fn of(column: &'static str, raw: Option<&'a str>) -> Self {
        Self { column, raw }
    }

    /// The cell of a source without such a column.
    pub fn none() -> Self {
        Self { column: "", raw: None }
    }
}

/// Which records of a source may seed a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Founding {
    /// Legacy members: with an email or a phone.
    Reachable,
    /// SCL members and players: always, or with any key, as `identity.keyless` says.
    Keyless,
    /// Contacts: with an email, a phone or a subject, unless deleted.
    Contact,
}

/// The cells of a person record that every source has in some form.
#[derive(Clone, Copy, Debug)]
pub struct PersonCells<'a> {
    /// Its tenant.
    pub tenancy: Tenancy<'a>,
    /// Whether it may seed a profile.
    pub founding: Founding,
    /// Email.
    pub email: NamedCell<'a>,
    /// Phone.
    pub phone: NamedCell<'a>,
    /// Given name.
    pub first: NamedCell<'a>,
    /// Family name.
    pub last: NamedCell<'a>,
    /// Gender.
    pub gender: NamedCell<'a>,
    /// Birth date.
    pub born: NamedCell<'a>,
    /// Handicap, only for the raw copy; the source itself decides on the staged value.
    pub handicap: NamedCell<'a>,
    /// South African handicap number.
    pub golf_rsa_id: NamedCell<'a>,
    /// British and Irish handicap number.
    pub cdh_id: NamedCell<'a>,
    /// The day the record was created, in local time. A birth date equal to it is not one.
    pub created_on: Option<Day>,
    /// The name of the club, which is not accepted as the name of a person.
    pub club: Option<&'a str>,
}

/// Stages a person: reads the cells, adds them to the row that the source began, decides whether it may seed a profile.
pub fn stage_person(context: &mut StagingContext<'_>, mut cells: PersonCells<'_>, row: people::Row<'_>) {
    note_tenancy(context, cells.tenancy);
    let dates = context.dates(cells.born.column);
    drop_national_ids(&mut context.tally, &mut cells);
    let junk = &context.rules.reference.junk;
    let tally = &mut context.tally;

    let name = read_names(tally, &mut context.names, &cells, junk);
    let addresses = read_cell(tally, cells.email, |raw, reasons| context.emails.read(raw, junk, reasons)).unwrap_or_default();
    let knows_tenant = cells.tenancy.rule != TenantRule::Unknown;
    let phones =
        read_cell(tally, cells.phone, |raw, reasons| context.phones.read(raw, cells.tenancy.region, knows_tenant, junk, reasons));
    let phones = phones.unwrap_or_default();
    for (kind, value, is_key) in further(addresses, phones) {
        context.staged.identifier(identifiers::Row {
            source_id: row.source_id,
            entity: tally.entity(),
            row_id: row.source_id,
            kind: Some(kind),
            code: kind.code(),
            value,
            is_key,
        });
    }

    let mut number =
        |cell, kind| read_cell(tally, cell, |raw, reasons| AssociationNumber::read(raw, Some(kind), junk, reasons)).flatten();
    let golf_rsa_id = number(cells.golf_rsa_id, AliasType::GolfRsaId);
    let cdh_id = number(cells.cdh_id, AliasType::CdhId);

    let birth = Birth {
        zone: cells.tenancy.zone.unwrap_or(crate::model::zone::Zone::UTC),
        as_of: context.rules.today(cells.tenancy.zone),
        created_on: cells.created_on,
    };
    let born_on = read_cell(tally, cells.born, |raw, reasons| dates.birth(raw, birth, junk, reasons)).flatten();

    let (email, phone) = (addresses.first(), phones.first());
    let raw = [cells.email, cells.first, cells.last, cells.born, cells.gender, cells.handicap]
        .map(|cell| raw_copy(&mut context.tally, cell));
    let [email_raw, first_name_raw, last_name_raw, born_raw, gender_raw, handicap_raw] = raw.each_ref().map(Option::as_deref);
    // A national identity number was dropped above.
    let phone_raw =
        cells.phone.raw.filter(|raw| !raw.is_empty()).map(|raw| short_copy(&mut context.tally, cells.phone.column, raw));
    let phone_raw = phone_raw.as_deref();
    let mut row = people::Row {
        tenant_id: cells.tenancy.tenant,
        tenant_rule: cells.tenancy.rule,
        email: email.map(|email| email.value.as_str()),
        email_key: email.and_then(|email| email.key()),
        email_raw,
        phone: phone.map(|phone| phone.number.as_str()),
        phone_class: phone.and_then(|phone| phone.class),
        phone_key: phone.filter(|phone| phone.is_key).map(|phone| phone.number.as_str()),
        phone_raw,
        first_name: name.first,
        last_name: name.last,
        first_key: name.first_key,
        last_key: name.last_key,
        name_suffix: name.suffix,
        first_name_raw,
        last_name_raw,
        born_on,
        born_raw,
        gender_raw,
        handicap_raw,
        golf_rsa_id: golf_rsa_id.as_ref().map(AssociationNumber::as_str).or(row.golf_rsa_id),
        cdh_id: cdh_id.as_ref().map(AssociationNumber::as_str).or(row.cdh_id),
        ..row
    };
    row.skip_reason = skip_reason(&row, cells.founding, context.rules.keyless);
    row.may_found = row.skip_reason.is_none();
    if !cells.gender.column.is_empty() {
        row.gender = gender(&mut context.tally, context.rules, context.first_pass, cells.gender, name.title);
    }
    context.staged.person(row);
}

fn read_names<'a>(tally: &mut StageTally, reader: &'a mut NameReader, cells: &PersonCells<'_>, junk: &Junk) -> Name<'a> {
    let mut reasons = [Reasons::default(); 2];
    let name = reader.read(cells.first.raw, cells.last.raw, cells.club, junk, &mut reasons);
    tally.note_all(cells.first.column, reasons[0]);
    tally.note_all(cells.last.column, reasons[1]);
    name
}

/// Empties the cells that hold a national identity number; a phone in international form may look like one.
fn drop_national_ids(tally: &mut StageTally, cells: &mut PersonCells<'_>) {
    let phone = cells.phone.raw;
    for cell in [&mut cells.phone, &mut cells.first, &mut cells.last, &mut cells.gender, &mut cells.born, &mut cells.handicap] {
        if cell.raw.is_some_and(holds_national_id) && !(cell.raw == phone && phone.is_some_and(is_dialled_abroad)) {
            tally.note(cell.column, Reason::NationalId);
            cell.raw = None;
        }
    }
}

/// The contact points of a record besides its first email and its first phone: kind, value, and whether it is a key.
fn further<'a>(addresses: &'a [EmailAddress], phones: &'a [Phone]) -> impl Iterator<Item = (AliasType, &'a str, bool)> {
    let emails = addresses.iter().skip(1).map(|email| (AliasType::Email, email.value.as_str(), email.key().is_some()));
    emails.chain(phones.iter().skip(1).map(|phone| (AliasType::Phone, phone.number.as_str(), phone.is_key)))
}

/// Reads a cell if it has a value, and counts what was changed or rejected.
fn read_cell<'a, T>(tally: &mut StageTally, cell: NamedCell<'a>, read: impl FnOnce(&'a str, &mut Reasons) -> T) -> Option<T> {
    let mut reasons = Reasons::default();
    let value = cell.raw.map(|raw| read(raw, &mut reasons));
    tally.note_all(cell.column, reasons);
    value
}

/// Why a record may not seed a profile; `None` if it may.
fn skip_reason(row: &people::Row<'_>, founding: Founding, keyless: bool) -> Option<SkipReason> {
    let reachable = row.email.is_some() || row.phone.is_some();
    let numbered = row.golf_rsa_id.is_some() || row.cdh_id.is_some() || row.mca_id.is_some();
    match founding {
        Founding::Contact if row.deleted_at.is_some() => Some(SkipReason::Deleted),
        Founding::Contact => (!reachable && row.auth_user_id.is_none()).then_some(SkipReason::NoKey),
        Founding::Reachable => (!reachable).then_some(SkipReason::NoEmailNoPhone),
        Founding::Keyless => (!keyless && !reachable && !numbered && row.auth_user_id.is_none()).then_some(SkipReason::NoKey),
    }
}

fn note_tenancy(context: &mut StagingContext<'_>, tenancy: Tenancy<'_>) {
    const TENANT: &str = "tenant_id";
    match tenancy.tenant {
        _ if tenancy.rule == TenantRule::Unknown => context.tally.note(TENANT, Reason::TenantUnknown),
        Some(tenant) if tenancy.zone.is_none() => context.tally.note_code(TENANT, Reason::TenantNotConfigured, tenant),
        _ => {}
    }
}

/// The raw value to keep next to the staged one: without NUL, which databases do not accept, of limited length, and never a
/// national identity number.
pub fn raw_copy<'a>(tally: &mut StageTally, cell: NamedCell<'a>) -> Option<Cow<'a, str>> {
    let raw = cell.raw.filter(|raw| !raw.is_empty())?;
    if holds_national_id(raw) {
        tally.note(cell.column, Reason::NationalId);
        return None;
    }
    Some(short_copy(tally, cell.column, raw))
}

fn short_copy<'a>(tally: &mut StageTally, column: &'static str, raw: &'a str) -> Cow<'a, str> {
    let short = prefix(raw, RAW_BYTES);
    if short.len() < raw.len() {
        tally.note(column, Reason::RawCut);
    }
    if short.contains('\0') { Cow::Owned(short.replace('\0', "")) } else { Cow::Borrowed(short) }
}

impl StagingContext<'_> {
    /// A label (status, club name, tier), cleaned; too long ones are dropped.
    pub fn label<'a>(&mut self, column: &'static str, raw: Option<&'a str>, buffer: &'a mut String) -> Option<&'a str> {
        let mut reasons = Reasons::default();
        let mut label = clean(raw?, buffer, &mut reasons);
        if label.is_some_and(|label| label.len() > LABEL_BYTES) {
            reasons.insert(Reason::TextTooLong);
            label = None;
        }
        self.tally.note_all(column, reasons);
        label
    }

    /// An identifier of the identity provider; placeholders are dropped.
    pub fn subject<'a>(&mut self, column: &'static str, raw: Option<&'a str>, buffer: &'a mut String) -> Option<&'a str> {
        let subject = self.label(column, raw, buffer)?;
        if self.rules.reference.junk.has(JunkKind::Id, &subject.to_lowercase()) || subject.bytes().all(|byte| byte == b'0') {
            self.tally.note(column, Reason::SubjectPlaceholder);
            return None;
        }
        Some(subject)
    }

    /// A handicap index.
    pub fn handicap(&mut self, column: &'static str, raw: Option<&str>) -> Option<crate::model::Handicap> {
        let mut reasons = Reasons::default();
        let mut handicap = crate::model::handicap::read(raw?, &mut reasons);
        if handicap == Some(crate::model::Handicap(0)) && self.first_pass.zero_is_missing() {
            reasons.insert(Reason::HandicapZeroMissing);
            handicap = None;
        }
        self.tally.note_all(column, reasons);
        handicap
    }
}
