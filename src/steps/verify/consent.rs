//! The evidence of consent for verification, which decides it a second time: as staged, with spam complaints and unreadable flags.

use anyhow::Result;
use hashbrown::HashMap;

use crate::cli::Session;
use crate::model::reference::ChannelWord;
use crate::model::{Channel, MessageKind, Source, Timestamp};
use crate::sources;
use crate::steps::inputs::reviews;
use crate::steps::verify::folders::Folders;
use crate::tables::{check, evidence, stage};

/// When loads first recorded each withdrawal without a date, by its evidence key.
pub type RecordedWithdrawals = HashMap<String, Timestamp, foldhash::fast::FixedState>;

/// Those of the CRM export.
pub fn recorded(folders: &Folders) -> Result<RecordedWithdrawals> {
    let mut recorded = RecordedWithdrawals::default();
    let table = folders.exports_crm.as_ref().filter(|folder| folder.has::<sources::crm::undated_withdrawals::Table>(None));
    if let Some(folder) = table {
        for columns in folder.read::<sources::crm::undated_withdrawals::Table>(None)? {
            recorded.extend(columns?.rows().map(|row| (row.evidence_key.to_owned(), row.recorded_at)));
        }
    }
    Ok(recorded)
}

/// When the flags of a contact without a date of change were first recorded as withdrawals.
pub fn undated_flag(recorded: &RecordedWithdrawals, source: Source, contact: &str) -> Option<Timestamp> {
    let of = |channel: Channel| recorded.get(&format!("contacts:{contact}:{channel}")).copied();
    if source == Source::Messaging { of(Channel::Email).max(of(Channel::Sms)) } else { None }
}

/// Calls back with every piece of evidence.
pub fn evidence(session: &Session, folders: &Folders, push: &mut dyn for<'a> FnMut(evidence::consents::Row<'a>)) -> Result<()> {
    let recorded = recorded(folders)?;
    let undated = |key: String| recorded.get(&key).copied().unwrap_or(folders.as_of).min(folders.as_of);
    let messaging = Some(Source::Messaging);
    if !folders.stage.has::<stage::consents::Table>(messaging) {
        return Ok(());
    }
    for columns in folders.stage.read::<stage::consents::Table>(messaging)? {
        for row in columns?.rows() {
            let Some(channel) = row.channel else { continue };
            let counted = |stated| {
                if row.is_undated && !row.is_grant { undated(format!("{}:{}", row.entity, row.row_id)) } else { stated }
            };
            push(evidence::consents::Row {
                contact_id: row.source_id,
                entity: row.entity,
                channel,
                scope: row.scope,
                is_grant: row.is_grant,
                is_act: row.is_act && !row.is_undated,
                at: counted(row.at),
                changed_at: counted(row.changed_at),
            });
        }
    }
    let mut withdraw = |contact_id: &str, entity: &str, channel: Channel, at: Timestamp| {
        let (scope, is_grant, is_act) = ("all", false, false);
        push(evidence::consents::Row { contact_id, entity, channel, scope, is_grant, is_act, at, changed_at: at });
    };
    for columns in folders.stage.read::<stage::messages::Table>(messaging)? {
        for row in columns?.rows().filter(|row| row.kind == MessageKind::Complained) {
            let at = row.created_at.map_or_else(|| undated(format!("messages:{}", row.row_id)), |at| at.min(folders.as_of));
            for &channel in row.channel.map_or(ChannelWord::All, ChannelWord::One).consent() {
                withdraw(row.source_id, "messages", channel, at);
            }
        }
    }
    let (_, reviews) = reviews(session)?;
    let mut unreadable: Vec<(String, Channel)> = Vec::new();
    for columns in folders.stage.read::<check::rejects::Table>(None)? {
        for row in columns?.rows().filter(|row| row.source == Source::Messaging && row.entity == "contacts") {
            let (column, channel) = match row.column {
                Some("email_opt_in") => ("email_opt_in", Channel::Email),
                Some("sms_opt_in") => ("sms_opt_in", Channel::Sms),
                _ => continue,
            };
            if reviews.consent(row.entity, row.source_id, column).is_none() {
                unreadable.push((row.source_id.to_owned(), channel));
            }
        }
    }
    for columns in folders.stage.read::<stage::people::Table>(messaging)? {
        for row in columns?.rows() {
            for (_, channel) in unreadable.iter().filter(|(contact, _)| contact == row.source_id) {
                let changed_at = row.updated_at.map(|at| at.min(folders.as_of));
                let at = changed_at.unwrap_or_else(|| undated(format!("contacts:{}:{channel}", row.source_id)));
                withdraw(row.source_id, "contacts", *channel, at);
            }
        }
    }
    Ok(())
}
