//! What users did in a CRM, as recorded by the test, and the invariants after every load.

use std::collections::{BTreeMap, BTreeSet};

use crm_backfill::pg::load::target::table;

use crate::support::postgres::Database;

/// What people did.
#[derive(Debug, Default)]
pub struct Memory {
    /// Things made so far, for names.
    pub made: usize,
    /// First names that agents gave.
    pub edited: BTreeMap<String, String>,
    /// Merged profiles: the surviving one, and the records of the other.
    pub merged: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Records of both profiles of a confirmed pair.
    pub confirmed: Vec<[BTreeSet<String>; 2]>,
    /// Profiles that were erased.
    pub erased: BTreeSet<String>,
    /// The records of erased profiles.
    pub erased_records: BTreeSet<String>,
    /// Soft-deleted profiles.
    pub soft_deleted: Vec<String>,
    /// Profiles opted out of email.
    pub withdrawn: BTreeSet<String>,
    /// Profiles with bookings by the application.
    pub booked: BTreeSet<String>,
    /// Rows deleted one by one.
    pub deleted: BTreeSet<(String, String)>,
}

/// The records whose ids a profile's aliases hold.
pub fn records_of(crm: &Database, profile: &str) -> BTreeSet<String> {
    let rows = crm.rows(&format!(
        r#"select "type"::text || ' ' || "value" from "IdentityAlias"
           where "customerId" = '{profile}'
             and "type" in ('SCL_MEMBER_ID', 'TEETIME_PLAYER_ID', 'MESSAGING_CONTACT_ID', 'MCA_V1_ZA_ID', 'MCA_V1_UK_ID')"#
    ));
    rows.into_iter().map(|row| row[0].clone()).collect()
}

/// All foreign rows, except segment members by rule and counts of segments, which a refresh replaces.
pub fn foreign_rows(crm: &Database) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for name in table::ALL {
        let (minus, also) = match name {
            table::SEGMENT => (" - 'memberCount' - 'lastRefreshedAt' - 'refreshError'", ""),
            table::MEMBERSHIP => ("", r#"and "source" <> 'RULE'"#),
            _ => ("", ""),
        };
        rows.extend(crm.rows(&format!(
            r#"select '{name}', (to_jsonb(t){minus})::text from "{name}" t where "id" not like 'bf11%' {also} order by 2"#
        )));
    }
    rows
}

impl Memory {
    /// Whether enough happened for the test to be meaningful.
    pub fn is_eventful(&self) -> bool {
        self.merged.len() > 2
            && self.erased.len() > 2
            && !self.withdrawn.is_empty()
            && !self.booked.is_empty()
            && !self.edited.is_empty()
    }

    /// The surviving profile after all merges of a profile.
    fn survivor<'a>(&'a self, mut id: &'a str) -> &'a str {
        for _ in 0..50 {
            match self.merged.get(id) {
                Some((kept, _)) => id = kept,
                None => break,
            }
        }
        id
    }

    /// The same if the load itself joined a survivor with another profile, by what the sources say now, and users merged that one.
    fn last_survivor<'a>(&'a self, id: &'a str, profiles: &'a BTreeMap<String, Vec<String>>) -> &'a str {
        let mut survivor = self.survivor(id);
        while let Some(row) = profiles.get(survivor).filter(|row| row[0] == "MERGED" && row[1] != "-") {
            survivor = self.survivor(&row[1]);
        }
        survivor
    }

    fn holders(crm: &Database) -> BTreeMap<String, BTreeSet<String>> {
        let mut holders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in crm.rows(
            r#"select a."type"::text || ' ' || a."value", a."customerId" from "IdentityAlias" a
               join "CustomerProfile" p on p."id" = a."customerId" and p."status" <> 'MERGED'"#,
        ) {
            holders.entry(row[0].clone()).or_default().insert(row[1].clone());
        }
        holders
    }

    /// Checks that no decision of a user was undone.
    pub fn check(&self, crm: &Database, place: &str) {
        let profiles: BTreeMap<String, Vec<String>> = crm
            .rows(
                r#"select "id", "status"::text, coalesce("mergedIntoId", '-'), "emailOptIn"::text, coalesce("firstName", '-'),
                     coalesce("deletedAt"::text, '-'), "bookingCountTotal"::text from "CustomerProfile""#,
            )
            .into_iter()
            .map(|mut row| (row.remove(0), row))
            .collect();
        let holders = Self::holders(crm);
        for id in &self.erased {
            assert!(!profiles.contains_key(id), "{place}: erased profile {id} is back");
        }
        for record in &self.erased_records {
            assert!(!holders.contains_key(record), "{place}: record {record} of an erased person is back: {:?}", holders[record]);
        }
        for (gone, (kept, records)) in &self.merged {
            let survivor = self.last_survivor(gone, &profiles);
            if let Some(row) = profiles.get(gone) {
                assert_eq!(
                    (row[0].as_str(), row[1].as_str()),
                    ("MERGED", kept.as_str()),
                    "{place}: the merge of {gone} was undone"
                );
            }
            for record in records {
                let held = holders.get(record).cloned().unwrap_or_default();
                let others: Vec<_> = held.iter().filter(|holder| holder.as_str() != survivor).collect();
                let is_known = profiles.contains_key(survivor);
                assert!(
                    others.is_empty() || !is_known,
                    "{place}: {record} of merged {gone} is with {others:?}, not with {survivor}"
                );
            }
        }
        for (id, first) in &self.edited {
            if let Some(row) = profiles.get(id).filter(|row| row[0] != "MERGED") {
                assert_eq!(&row[3], first, "{place}: an edit of {id} was undone");
            }
        }
        for id in &self.soft_deleted {
            let Some(row) = profiles.get(id) else { continue };
            assert_ne!(row[4], "-", "{place}: {id} is undeleted");
            let members = format!(r#"select count(*) from "CustomerSegmentMembership" where "customerId" = '{id}'"#);
            assert_eq!(crm.value(&members), "0", "{place}: a deleted profile in a segment");
        }
        for id in &self.withdrawn {
            let survivor = self.last_survivor(id, &profiles);
            let Some(row) = profiles.get(survivor).filter(|row| row[0] != "MERGED") else { continue };
            if survivor.starts_with("bf11") {
                assert_eq!(row[2], "false", "{place}: {id} withdrew, and {survivor} may be e-mailed");
            }
        }
        for (name, id) in &self.deleted {
            let count = crm.value(&format!(r#"select count(*) from "{name}" where "id" = '{id}'"#));
            assert_eq!(count, "0", "{place}: deleted row {id} of {name} is back");
        }
        for records in &self.confirmed {
            let [a, b] = records.each_ref().map(|records| {
                let held = records.iter().filter(|record| !self.erased_records.contains(*record));
                held.filter_map(|record| holders.get(record)).flatten().cloned().collect::<BTreeSet<_>>()
            });
            let apart = !a.is_empty() && !b.is_empty() && a.is_disjoint(&b);
            let foreign = a.iter().chain(&b).any(|holder| !holder.starts_with("bf11"));
            assert!(!apart || foreign, "{place}: a confirmed pair is two profiles again: {a:?} {b:?}");
        }
    }
}
