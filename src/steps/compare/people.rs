//! The people of two runs: who split, merged, is new or gone, moved to another tenant, and whose consent changed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::changes::{ConsentTurn, ProfileGroup, Regrouping};
use crate::model::{Channel, Code as _, ConsentStatus, RecordKey};
use crate::steps::compare::causes::{Cause, Causes};
use crate::steps::compare::rows::RowDifference;
use crate::steps::compare::runs::ComparedRun;
use crate::tables::Table as _;
use crate::tables::crm::{customer_profiles, marketing_consents};
use crate::tables::resolution::links;

/// The profile columns of consent by channel.
const FLAGS: [(&str, Channel); 4] = [
    ("email_opt_in", Channel::Email),
    ("sms_opt_in", Channel::Sms),
    ("push_opt_in", Channel::Push),
    ("whatsapp_opt_in", Channel::Whatsapp),
];

/// A person whose profile, tenant or consent changed.
#[derive(Clone, Debug)]
pub struct PersonChange {
    /// The change: a code of [`ConsentTurn`] or of `GroupChange`, `TENANT`, `NEW` or `GONE`.
    pub change: &'static str,
    /// Whether someone may be contacted now who could not be before.
    pub is_dangerous: bool,
    /// Profiles of the former run.
    pub before: Vec<String>,
    /// Profiles of the later run.
    pub after: Vec<String>,
    /// The channel and scope, or the tenants.
    pub what: String,
    /// What caused it.
    pub cause: Option<Cause>,
}

impl PersonChange {
    /// Every kind of change in the order in which it is shown: consent first, and of that the dangerous direction.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        use crate::changes::GroupChange;
        let turns = ConsentTurn::ALL.iter().map(|turn| turn.code());
        turns.chain(["TENANT"]).chain(GroupChange::ALL.iter().map(|change| change.code())).chain(["NEW", "GONE"])
    }
}

/// Callback for each person that changed.
pub type OnPerson<'a> = dyn FnMut(PersonChange) -> Result<()> + 'a;

/// Collects what changed while the datasets are compared. Of profiles that keep their records, the rows that differ tell all;
/// those of the others are read again.
#[derive(Default)]
pub struct ComparedPeople {
    /// Profiles, of either run, that gave or received a record.
    regrouped: BTreeSet<String>,
    /// Profiles that only one run has.
    one_sided: BTreeSet<String>,
    changes: Vec<PersonChange>,
}

/// Consent of one profile by channel and scope.
type HeldConsents = BTreeMap<(Channel, String), ConsentStatus>;

/// The tenant and the consent of a regrouped profile.
#[derive(Default)]
struct RegroupedProfile {
    tenant: String,
    flags: [bool; 4],
    consents: HeldConsents,
}

impl ComparedPeople {
    /// Takes a row of `res__links` that differs.
    pub fn link(&mut self, row: &RowDifference<'_>) -> Result<()> {
        if let [Some(before), Some(after)] = row.both("profile_id")?
            && before != after
        {
            self.regrouped.extend([before, after]);
        }
        Ok(())
    }

    /// Takes a row of `crm__customer_profiles` that differs.
    pub fn profile(&mut self, row: &RowDifference<'_>, causes: &Causes) -> Result<()> {
        let Some(id) = row.either("id")? else { return Ok(()) };
        if self.regrouped.contains(&id) {
            return Ok(());
        }
        let cause = || causes.of_profile(&id).or_else(|| causes.inputs());
        let mut add = |change, is_dangerous, what| {
            let (before, after) = (row.before.map(|_| id.clone()), row.after.map(|_| id.clone()));
            let (before, after) = (before.into_iter().collect(), after.into_iter().collect());
            self.changes.push(PersonChange { change, is_dangerous, before, after, what, cause: cause() });
        };
        if row.before.is_none() || row.after.is_none() {
            add(if row.before.is_none() { "NEW" } else { "GONE" }, false, String::new());
            self.one_sided.insert(id);
            return Ok(());
        }
        if let [Some(before), Some(after)] = row.both("tenant_id")?
            && before != after
        {
            add("TENANT", false, format!("{before} → {after}"));
        }
        for (flag, channel) in FLAGS {
            let [before, after] = row.both(flag)?.map(|value| value.as_deref() == Some("true"));
            if let Some(turn) = ConsentTurn::of_flag([before], after) {
                add(turn.code(), turn.is_dangerous(), channel.code().to_owned());
            }
        }
        Ok(())
    }

    /// Takes a row of `crm__marketing_consents` that differs.
    pub fn consent(&mut self, row: &RowDifference<'_>, causes: &Causes) -> Result<()> {
        let Some(id) = row.either("customer_id")? else { return Ok(()) };
        if self.regrouped.contains(&id) || self.one_sided.contains(&id) {
            return Ok(());
        }
        let [before, after] = row.both("status")?.map(|status| status.and_then(|status| ConsentStatus::from_code(&status)));
        let Some(turn) = ConsentTurn::of(before, after) else { return Ok(()) };
        let what = format!("{} {}", row.either("channel")?.unwrap_or_default(), row.either("scope")?.unwrap_or_default());
        let cause = causes.of_profile(&id).or_else(|| causes.inputs());
        let (before, after) = (vec![id.clone()], vec![id]);
        self.changes.push(PersonChange { change: turn.code(), is_dangerous: turn.is_dangerous(), before, after, what, cause });
        Ok(())
    }

    /// Finds the groups of profiles that changed, and their causes.
    pub fn regroup(&self, [before, after]: [&ComparedRun; 2], causes: &mut Causes) -> Result<Vec<(ProfileGroup, Option<Cause>)>> {
        let mut regrouping = Regrouping::of(&self.regrouped);
        if self.regrouped.is_empty() {
            return Ok(Vec::new());
        }
        let mut read = |run: &ComparedRun, is_former: bool| -> Result<()> {
            let Some(folder) = run.holder(links::Table::STEM) else { return Ok(()) };
            for batch in folder.read::<links::Table>(None)? {
                for row in batch?.rows() {
                    let Some(profile) = row.profile_id else { continue };
                    let record = || RecordKey { source: row.source, id: row.source_id }.to_string();
                    if is_former { regrouping.before(record, profile) } else { regrouping.after(record, profile) }
                }
            }
            Ok(())
        };
        read(before, true)?;
        read(after, false)?;
        let groups = regrouping.finish();
        Ok(groups.into_iter().map(|group| (causes.of_group(&group), group)).map(|(cause, group)| (group, cause)).collect())
    }

    /// Tells every change.
    pub fn finish(
        self,
        [before, after]: [&ComparedRun; 2],
        groups: &[(ProfileGroup, Option<Cause>)],
        on: &mut OnPerson<'_>,
    ) -> Result<()> {
        let former = self.read(before)?;
        let later = self.read(after)?;
        for (group, cause) in groups {
            let change = group.change().code();
            on(PersonChange {
                change,
                is_dangerous: false,
                before: group.before.clone(),
                after: group.after.clone(),
                what: String::new(),
                cause: cause.clone(),
            })?;
            for (position, id) in group.after.iter().enumerate() {
                let Some(now) = later.get(id) else { continue };
                let known = |id: &str| former.get(id).map(|profile| (id.to_owned(), profile));
                let were: Vec<(String, &RegroupedProfile)> = group.former_of(position).filter_map(known).collect();
                let mut tell = |change, is_dangerous, what: String| {
                    let before = were.iter().map(|(id, _)| id.clone()).collect();
                    on(PersonChange { change, is_dangerous, before, after: vec![id.clone()], what, cause: cause.clone() })
                };
                let tenants: BTreeSet<&str> = were.iter().map(|(_, profile)| profile.tenant.as_str()).collect();
                if tenants.iter().any(|tenant| *tenant != now.tenant) {
                    let tenants: Vec<&str> = tenants.into_iter().collect();
                    tell("TENANT", false, format!("{} → {}", tenants.join(", "), now.tenant))?;
                }
                for (at, (_, channel)) in FLAGS.iter().enumerate() {
                    if let Some(turn) = ConsentTurn::of_flag(were.iter().map(|(_, profile)| profile.flags[at]), now.flags[at]) {
                        tell(turn.code(), turn.is_dangerous(), channel.code().to_owned())?;
                    }
                }
                let places: BTreeSet<&(Channel, String)> =
                    were.iter().map(|(_, profile)| *profile).chain([now]).flat_map(|profile| profile.consents.keys()).collect();
                for place in places {
                    let held = were.iter().filter_map(|(_, profile)| profile.consents.get(place).copied());
                    if let Some(turn) = ConsentTurn::of(held, now.consents.get(place).copied()) {
                        tell(turn.code(), turn.is_dangerous(), format!("{} {}", place.0, place.1))?;
                    }
                }
            }
        }
        self.changes.into_iter().try_for_each(on)
    }

    /// The regrouped profiles of a run.
    fn read(&self, run: &ComparedRun) -> Result<BTreeMap<String, RegroupedProfile>> {
        let mut found: BTreeMap<String, RegroupedProfile> = BTreeMap::new();
        if self.regrouped.is_empty() {
            return Ok(found);
        }
        if let Some(folder) = run.holder(customer_profiles::Table::STEM) {
            for batch in folder.read::<customer_profiles::Table>(None)? {
                for row in batch?.rows().filter(|row| self.regrouped.contains(row.id)) {
                    let flags = [row.email_opt_in, row.sms_opt_in, row.push_opt_in, row.whatsapp_opt_in];
                    let tenant = row.tenant_id.to_owned();
                    found.insert(row.id.to_owned(), RegroupedProfile { tenant, flags, consents: HeldConsents::new() });
                }
            }
        }
        if let Some(folder) = run.holder(marketing_consents::Table::STEM) {
            for batch in folder.read::<marketing_consents::Table>(None)? {
                for row in batch?.rows() {
                    if let Some(profile) = found.get_mut(row.customer_id) {
                        profile.consents.insert((row.channel, row.scope.to_owned()), row.status);
                    }
                }
            }
        }
        Ok(found)
    }
}
