//! Loads the settings that checks depend on.

use anyhow::Result;

use crate::cli::Session;
use crate::config::ActivityScope;
use crate::model::{FlagFalse, MissingComponent, Scope};
use crate::pg::verify::evidence_session::Verifier;
use crate::steps::verify::folders::{Folders, load_rows};
use crate::tables::evidence;

/// Loads the settings of the run; returns how many rows.
pub fn load(session: &Session, folders: &Folders, verifier: &Verifier) -> Result<u64> {
    let config = &session.config;
    let run = load_rows::<evidence::run::Table>(verifier, |push| {
        push(evidence::run::Row {
            phase: i32::from(folders.phase.number()),
            as_of: folders.as_of,
            window_from: folders.window_from(session),
            default_tenant_id: &config.tenants.default,
            is_weak_consent_enough: !config.consent.strict_consent,
            is_false_flag_withdrawal: config.consent.flag_false == FlagFalse::Withdrawal,
            is_identity_global: config.identity.scope == Scope::Global,
            is_suppression_global: config.consent.suppression == Scope::Global,
            is_engaged_only: config.scores.activity_scope == ActivityScope::Engaged,
            is_renormalised: config.scores.missing == MissingComponent::Renormalise,
        });
        Ok(())
    })?;
    Ok(run)
}
