//! Inputs of consolidation from the settings and the CRM export.

use anyhow::Result;
use foldhash::fast::FixedState;
use hashbrown::HashSet;

use crate::config;
use crate::consolidate::consent::earlier::{EarlierWithdrawal, Recorded};
use crate::consolidate::{Directory, Options};
use crate::fault::{Exit, Fault};
use crate::model::{Channel, Code as _, Phase, ProfileIx, RecordKey, Timestamp};
use crate::sources;
use crate::store::Folder;
use crate::tables::resolution::decisions;

/// The settings of consolidation.
pub fn options(config: &config::Config, as_of: Timestamp, phase: Phase) -> Options {
    let extra = &config.activities.extra;
    Options {
        as_of,
        phase,
        lookback_from: as_of.minus_years(config.activities.lookback_years()),
        contact: config.survivorship.contact,
        email_holder: config.survivorship.email_holder,
        phone_holder: config.survivorship.phone_holder,
        suppression: config.consent.suppression,
        strict_consent: config.consent.strict_consent,
        flag_false: config.consent.flag_false,
        booking_types: config.activities.booking_types,
        extra_consent: extra.contains(&config::ExtraActivity::Consent),
        extra_handicap: extra.contains(&config::ExtraActivity::Handicap),
        default_tenant: config.tenants.default.clone(),
        whs_from: config.whs_from(),
    }
}

/// The withdrawals that earlier loads recorded.
pub fn earlier_withdrawals(export: Option<&Folder>, as_of: Timestamp) -> Result<Vec<EarlierWithdrawal>> {
    let Some(folder) = export else { return Ok(Vec::new()) };
    let mut earlier = Vec::new();
    for batch in folder.read::<sources::crm::withdrawals::Table>(None)? {
        for row in batch?.rows() {
            let Some(channel) = Channel::from_code(row.channel) else {
                let fault = Fault::new(Exit::Input, "a withdrawal of an earlier load names an unknown channel");
                return Err(fault.at(folder.path().display().to_string()).help("make export-crm").into());
            };
            earlier.push(EarlierWithdrawal {
                tenant_id: row.tenant_id.to_owned(),
                channel,
                address: row.address.to_owned(),
                scope: row.scope.to_owned(),
                revoked_at: row.revoked_at.map(Timestamp::round_to_millis),
                lifted_after: row.lifted_after.map_or(as_of, Timestamp::round_to_millis),
                reason: row.reason.to_owned(),
            });
        }
    }
    earlier.sort();
    Ok(earlier)
}

/// When loads first recorded each withdrawal without a date.
pub fn recorded(export: Option<&Folder>) -> Result<Recorded> {
    let mut rows = Vec::new();
    let saved = export.filter(|folder| folder.has::<sources::crm::undated_withdrawals::Table>(None));
    if let Some(folder) = saved {
        for batch in folder.read::<sources::crm::undated_withdrawals::Table>(None)? {
            rows.extend(batch?.rows().map(|row| (row.evidence_key.to_owned(), row.recorded_at.round_to_millis())));
        }
    }
    Ok(Recorded::new(rows))
}

/// Pairs of profiles with a manual decision that they are two people.
pub fn kept_apart(resolved: &Folder, directory: &Directory) -> Result<HashSet<(ProfileIx, ProfileIx), FixedState>> {
    let mut apart = HashSet::with_hasher(FixedState::with_seed(0));
    let profile = |key: &str| RecordKey::parse(key).and_then(|key| directory.profile_of_id(key.source, key.id));
    for columns in resolved.read::<decisions::Table>(None)? {
        for row in columns?.rows().filter(|row| row.kind == "cannot-link") {
            apart.extend(profile(row.a).zip(profile(row.b)).map(|(a, b)| (a.min(b), a.max(b))));
        }
    }
    Ok(apart)
}
