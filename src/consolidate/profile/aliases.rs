//! Aliases: every identifier of a profile, normalised. Rows of `crm__identity_aliases`.

use crate::consolidate::consent::contact_points::Identifiers;
use crate::consolidate::profile::fields::Golden;
use crate::consolidate::profile::pick::Choice;
use crate::consolidate::profile::record_index::RecordIndex;
use crate::model::{AliasType, Code, ProfileIx, RecordIx, Source, Timestamp, Uuid, derived_id};
use crate::tables::crm::identity_aliases;

/// An identifier of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown<'a> {
    alias_type: AliasType,
    value: &'a str,
    /// Position of the record in the profile's record order.
    position: usize,
    record: RecordIx,
}

/// Writes a profile's aliases, sorted by type and value.
pub fn write(
    record_index: &RecordIndex,
    identifiers: &Identifiers,
    profile: ProfileIx,
    golden: &Golden<'_>,
    rows: &mut identity_aliases::Builder,
) {
    let mut shown = Vec::new();
    for (position, &record) in record_index.members(profile).iter().enumerate() {
        show(record_index, identifiers, position, record, &mut shown);
    }
    shown.sort_unstable_by_key(|alias| (alias.alias_type.code(), alias.value, alias.position));
    let mut buffer = Uuid::encode_buffer();
    let customer_id = &*record_index.id(profile).hyphenated().encode_lower(&mut buffer);
    let tenant_id = record_index.tenant(profile);
    for same in shown.chunk_by(|a, b| (a.alias_type, a.value) == (b.alias_type, b.value)) {
        let Shown { alias_type, value, record, .. } = same[0];
        let dates = |column: fn(RecordIx, &RecordIndex) -> Option<Timestamp>| {
            same.iter().filter_map(move |alias| column(alias.record, record_index))
        };
        let id = derived_id("alias", &[tenant_id, alias_type.code(), value, customer_id]);
        rows.push(identity_aliases::Row {
            id: id.hyphenated().encode_lower(&mut Uuid::encode_buffer()),
            tenant_id,
            customer_id,
            alias_type,
            value,
            source: record_index.source(record).service(),
            is_primary: is_primary(record_index, golden, alias_type, value),
            confidence: record_index.confidence(record),
            first_seen_at: dates(created).min(),
            last_seen_at: dates(changed).max(),
        });
    }
}

fn created(record: RecordIx, record_index: &RecordIndex) -> Option<Timestamp> {
    let (columns, row) = record_index.at(record);
    columns.created_at(row).or_else(|| columns.updated_at(row))
}

fn changed(record: RecordIx, record_index: &RecordIndex) -> Option<Timestamp> {
    let (columns, row) = record_index.at(record);
    columns.updated_at(row).max(columns.created_at(row))
}

fn show<'a>(
    record_index: &'a RecordIndex,
    identifiers: &'a Identifiers,
    position: usize,
    record: RecordIx,
    shown: &mut Vec<Shown<'a>>,
) {
    let (columns, row) = record_index.at(record);
    let mut add = |alias_type, value: Option<&'a str>| {
        if let Some(value) = value {
            shown.push(Shown { alias_type, value, position, record });
        }
    };
    let own = match record_index.source(record) {
        Source::McaZa => AliasType::McaV1ZaId,
        Source::McaUk => AliasType::McaV1UkId,
        Source::Scl => AliasType::SclMemberId,
        Source::Teetime => AliasType::TeetimePlayerId,
        Source::Messaging => AliasType::MessagingContactId,
    };
    add(own, Some(columns.source_id(row)));
    add(AliasType::Email, columns.email(row));
    add(AliasType::Phone, columns.phone(row));
    add(AliasType::AuthUserId, columns.auth_user_id(row));
    add(AliasType::McaId, columns.mca_id(row));
    add(AliasType::GolfRsaId, columns.golf_rsa_id(row));
    add(AliasType::CdhId, columns.cdh_id(row));
    for identifier in identifiers.of(record) {
        if let Some(kind) = identifier.kind {
            add(kind, Some(identifier.value));
        }
    }
}

/// Whether the profile's own column, or its external ids, show the value.
fn is_primary(record_index: &RecordIndex, golden: &Golden<'_>, alias_type: AliasType, value: &str) -> bool {
    let of_record = |choice: Option<Choice<RecordIx>>| choice.map(|choice| record_index.source_id(choice.value));
    let of_text = |choice: Option<Choice<&str>>| choice.is_some_and(|choice| choice.value == value);
    match alias_type {
        AliasType::Email => of_text(golden.email),
        AliasType::Phone => of_text(golden.phone),
        AliasType::AuthUserId => of_text(golden.auth_user_id),
        AliasType::SclMemberId => of_record(golden.scl_member) == Some(value),
        AliasType::TeetimePlayerId => of_record(golden.player) == Some(value),
        AliasType::MessagingContactId => of_record(golden.contact) == Some(value),
        AliasType::McaV1ZaId => of_text(golden.mca_v1_za_id),
        AliasType::McaV1UkId => of_text(golden.mca_v1_uk_id),
        AliasType::McaId => of_text(golden.mca_id),
        AliasType::GolfRsaId => of_text(golden.golf_rsa_id),
        AliasType::CdhId => of_text(golden.cdh_id),
    }
}
