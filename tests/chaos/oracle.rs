//! What the generator meant, against what was read: never another value, never consent over a withdrawal.

use std::collections::{BTreeMap, BTreeSet};

use crm_backfill::demo::chaos::{Chaos, ConsentPlace, ConsentStatement, Fact};
use crm_backfill::model::{Code as _, Source};
use crm_backfill::store::{Folder, Layout};
use crm_backfill::tables::crm::customer_profiles;
use crm_backfill::tables::resolution::links;
use crm_backfill::tables::stage::people;

/// Every staged value that is not what its cell says.
pub fn facts(chaos: &Chaos, layout: &Layout) -> Vec<String> {
    let stage = Folder::open(&layout.stage()).unwrap();
    let mut staged: BTreeMap<(Source, String, &str), String> = BTreeMap::new();
    let mut people_of = BTreeSet::new();
    for &source in Source::ALL {
        for columns in stage.read_all::<people::Table>(Some(source)).unwrap() {
            for row in columns.rows() {
                let cells = [
                    ("email", row.email.map(str::to_owned)),
                    ("phone", row.phone.map(str::to_owned)),
                    ("born_on", row.born_on.map(|day| day.to_string())),
                    ("created_at", row.created_at.map(|at| at.to_string())),
                    ("deleted_at", row.deleted_at.map(|_| "deleted".to_owned())),
                ];
                people_of.insert((source, row.source_id.to_owned()));
                for (column, value) in cells {
                    if let Some(value) = value {
                        staged.insert((source, row.source_id.to_owned(), column), value);
                    }
                }
            }
        }
    }
    let told = |fact: &Fact| {
        if !people_of.contains(&(fact.source, fact.id.clone())) {
            return Some(format!("{} {} is not staged", fact.source, fact.id));
        }
        let found = staged.get(&(fact.source, fact.id.clone(), fact.column));
        let is_right = match (&fact.value, found) {
            (Some(meant), Some(found)) => meant == found,
            (Some(_), None) => !fact.is_sure,
            (None, Some(_)) => false,
            (None, None) => true,
        };
        (!is_right).then(|| {
            let cell = cell(chaos, fact);
            format!("{} {} {}: {:?} became {:?}, cell {cell:?}", fact.source, fact.id, fact.column, fact.value, found)
        })
    };
    chaos.facts.iter().filter_map(told).collect()
}

/// The cell a fact is about, for whoever looks for the fault.
fn cell(chaos: &Chaos, fact: &Fact) -> Option<String> {
    let file = chaos.of(fact.source).next()?;
    let row = file.rows.iter().find(|row| crm_backfill::model::text::whole(&row[0]) == fact.id)?;
    let names: &[&str] = match fact.column {
        "phone" => &["phone", "phone_number"],
        "born_on" => &["date_of_birth"],
        column => &[column],
    };
    let at = file.columns.iter().position(|column| names.contains(column))?;
    Some(row[at].clone())
}

/// Profiles that may be sent email although somebody withdrew: a contact of theirs, or one with the shown email in the same tenant, holds
/// a withdrawal that no later explicit action follows.
pub fn consent(chaos: &Chaos, layout: &Layout) -> Vec<String> {
    let crm = Folder::open(&layout.crm()).unwrap();
    let resolved = Folder::open(&layout.resolve()).unwrap();
    let mut contacts_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut tenants: BTreeMap<String, String> = BTreeMap::new();
    for columns in resolved.read_all::<links::Table>(None).unwrap() {
        for row in columns.rows().filter(|row| row.source == Source::Messaging) {
            if let Some(profile) = row.profile_id {
                contacts_of.entry(profile.to_owned()).or_default().insert(row.source_id.to_owned());
            }
        }
    }
    // From staging: a contact that was skipped has no tenant among the links.
    for columns in Folder::open(&layout.stage()).unwrap().read_all::<people::Table>(Some(Source::Messaging)).unwrap() {
        for row in columns.rows() {
            tenants.insert(row.source_id.to_owned(), row.tenant_id.unwrap_or_default().to_owned());
        }
    }
    let withdrawn: BTreeSet<&str> = withdrawn(&chaos.statements);
    let email_of = |contact: &str| {
        let of = |fact: &&Fact| fact.source == Source::Messaging && fact.id == contact && fact.column == "email";
        chaos.facts.iter().find(of).and_then(|fact| fact.value.clone())
    };
    let mut told = Vec::new();
    for columns in crm.read_all::<customer_profiles::Table>(None).unwrap() {
        for profile in columns.rows().filter(|profile| profile.email_opt_in) {
            let own = contacts_of.get(profile.id).into_iter().flatten();
            let own: Vec<&str> = own.map(String::as_str).filter(|contact| withdrawn.contains(contact)).collect();
            let same = withdrawn.iter().copied().filter(|contact| {
                email_of(contact).as_deref() == profile.email
                    && tenants.get(*contact).is_none_or(|tenant| tenant.is_empty() || tenant == profile.tenant_id)
            });
            for contact in own.into_iter().chain(same) {
                let said: Vec<&ConsentStatement> = chaos.statements.iter().filter(|one| one.contact == contact).collect();
                told.push(format!("profile {} may be sent email although contact {contact} withdrew: {said:?}", profile.id));
            }
        }
    }
    told
}

/// Contacts with a withdrawal that is undated, or that no explicit action of theirs follows.
fn withdrawn(statements: &[ConsentStatement]) -> BTreeSet<&str> {
    let mut last_act = BTreeMap::new();
    for one in statements.iter().filter(|one| one.place == ConsentPlace::Log && one.is_grant && one.is_act) {
        let last = last_act.entry(one.contact.as_str()).or_insert(one.at);
        *last = (*last).max(one.at);
    }
    // A flag alone is too weak to decide anything: it only overrides what its contact granted elsewhere.
    let has_more = |contact: &str| {
        statements.iter().any(|one| one.contact == contact && one.place != ConsentPlace::Flag && one.is_marketing)
    };
    let is_standing = |one: &&ConsentStatement| {
        if one.place == ConsentPlace::Flag && !has_more(&one.contact) {
            return false;
        }
        let act = last_act.get(one.contact.as_str()).copied().flatten();
        one.is_marketing && !one.is_grant && (one.at.is_none() || act.is_none_or(|act| one.at >= Some(act)))
    };
    statements.iter().filter(is_standing).map(|one| one.contact.as_str()).collect()
}
