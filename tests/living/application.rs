//! Changes that an application and its users make in a CRM, with their own role.

use crm_backfill::pg::local::Client;

use crate::living::Dice;
use crate::living::invariants::{Memory, records_of};
use crate::support::postgres::Database;

/// The application of one month.
pub struct Application {
    url: String,
    month: usize,
}

/// Columns of a child's unique key.
const MOVES: [&str; 4] = [
    r#"update "Activity" set "customerId" = 'KEPT' where "customerId" = 'GONE'"#,
    r#"update "IdentityAlias" a set "customerId" = 'KEPT' where "customerId" = 'GONE' and not exists (
         select from "IdentityAlias" k where k."customerId" = 'KEPT' and k."type" = a."type" and k."value" = a."value")"#,
    r#"update "MarketingConsent" c set "customerId" = 'KEPT', "updatedAt" = now() where "customerId" = 'GONE' and not exists (
         select from "MarketingConsent" k where k."customerId" = 'KEPT' and k."channel" = c."channel" and k."scope" = c."scope")"#,
    r#"update "CustomerNote" set "customerId" = 'KEPT' where "customerId" = 'GONE'"#,
];

/// A withdrawal of the merged profile also applies to the surviving one, with the later date.
const WITHDRAWALS: [&str; 2] = [
    r#"update "MarketingConsent" k set "status" = 'OPTED_OUT', "consentedAt" = null, "revokedAt" = c."revokedAt", "updatedAt" = now()
       from "MarketingConsent" c
       where c."customerId" = 'GONE' and k."customerId" = 'KEPT' and k."channel" = c."channel" and k."scope" = c."scope"
         and c."status" = 'OPTED_OUT' and (k."status" = 'OPTED_IN' or k."revokedAt" < c."revokedAt")"#,
    r#"update "CustomerProfile" k set "emailOptIn" = false where k."id" = 'KEPT' and exists (
         select from "MarketingConsent" c where c."customerId" = 'GONE' and c."channel" = 'EMAIL' and c."status" = 'OPTED_OUT')"#,
];

impl Application {
    /// An application that connects as its own role.
    pub fn open(url: &str, month: usize) -> Self {
        Self { url: url.to_owned(), month }
    }

    fn run(&self, sql: &str) {
        let mut client = Client::connect(&self.url).unwrap();
        client.execute(sql).unwrap_or_else(|error| panic!("{error:#}: {sql}"));
    }

    /// One action of an agent, a customer, or the application itself.
    pub fn act(&self, crm: &Database, dice: &mut Dice, memory: &mut Memory) {
        let profiles = crm.rows(
            r#"select "id", "tenantId" from "CustomerProfile"
               where "id" like 'bf11%' and "status" <> 'MERGED' and "deletedAt" is null order by "id""#,
        );
        let Some(chosen) = dice.of(&profiles) else { return };
        let (id, tenant) = (chosen[0].clone(), chosen[1].clone());
        let others: Vec<_> = profiles.iter().filter(|other| other[1] == tenant && other[0] != id).collect();
        let other = dice.of(&others).map(|other| other[0].clone());
        match (dice.below(13), other) {
            (0, _) => self.edit(&id, memory),
            (1 | 2, Some(kept)) => self.merge(crm, dice, &id, &kept, memory),
            (3, _) => {
                let kept = self.foreign_profile(&tenant, memory);
                self.merge(crm, dice, &id, &kept, memory);
            }
            (4 | 5, _) => self.erase(crm, &id, memory),
            (6, _) => {
                self.run(&format!(r#"update "CustomerProfile" set "deletedAt" = now() where "id" = '{id}'"#));
                memory.soft_deleted.push(id);
            }
            (7 | 8, _) => self.withdraw(crm, &id, &tenant, memory),
            (9, _) => self.book(&id, &tenant, memory),
            (10, _) => self.review(crm, dice, memory),
            (11, _) => self.delete_child(crm, dice, &id, memory),
            _ => self.note(&id, &tenant, memory),
        }
    }

    fn name(&self, kind: &str, memory: &mut Memory) -> String {
        memory.made += 1;
        format!("{kind}-{}-{}", self.month, memory.made)
    }

    fn edit(&self, id: &str, memory: &mut Memory) {
        let first = self.name("Edited", memory);
        self.run(&format!(
            r#"update "CustomerProfile" set "firstName" = '{first}', "updatedBy" = 'agent', "updatedAt" = now() where "id" = '{id}'"#
        ));
        memory.edited.insert(id.to_owned(), first);
    }

    fn foreign_profile(&self, tenant: &str, memory: &mut Memory) -> String {
        let id = self.name("walk-in", memory);
        self.run(&format!(
            r#"insert into "CustomerProfile" ("id", "tenantId", "email", "source", "firstSeenAt", "updatedAt")
               values ('{id}', '{tenant}', '{id}@walk-in.test', 'app', now(), now())"#
        ));
        id
    }

    /// Three ways to merge: move the children and set a pointer, only set a pointer, or delete the row.
    fn merge(&self, crm: &Database, dice: &mut Dice, gone: &str, kept: &str, memory: &mut Memory) {
        let manner = dice.below(3);
        let records = records_of(crm, gone);
        if records.is_empty() {
            return;
        }
        if manner != 1 {
            for statement in WITHDRAWALS.iter().chain(&MOVES) {
                self.run(&statement.replace("KEPT", kept).replace("GONE", gone));
            }
        }
        // A profile is not deleted if others point to it: merged ones, or a review, which would go with it.
        let references = format!(
            r#"select (select count(*) from "CustomerProfile" where "mergedIntoId" = '{gone}')
                 + (select count(*) from "DuplicateCandidate" where "status" <> 'PENDING' and '{gone}' in ("profileAId", "profileBId"))"#
        );
        if manner == 2 && crm.value(&references) == "0" {
            self.run(&format!(r#"delete from "CustomerProfile" where "id" = '{gone}'"#));
        } else {
            self.run(&format!(
                r#"delete from "CustomerSegmentMembership" where "customerId" = '{gone}';
                   update "CustomerProfile" set "status" = 'MERGED', "mergedIntoId" = '{kept}', "updatedBy" = 'agent',
                     "emailOptIn" = false, "smsOptIn" = false, "updatedAt" = now() where "id" = '{gone}'"#
            ));
        }
        memory.merged.insert(gone.to_owned(), (kept.to_owned(), records));
    }

    /// An erasure request: deletes the profile, those merged into it, and all their rows.
    fn erase(&self, crm: &Database, id: &str, memory: &mut Memory) {
        let mut all = vec![id.to_owned()];
        let mut at = 0;
        while at < all.len() {
            let merged =
                crm.rows(&format!(r#"select "id" from "CustomerProfile" where "mergedIntoId" = '{}' order by 1"#, all[at]));
            all.extend(merged.into_iter().map(|row| row[0].clone()));
            at += 1;
        }
        for profile in all.iter().rev() {
            memory.erased_records.extend(records_of(crm, profile));
            self.run(&format!(r#"delete from "CustomerProfile" where "id" = '{profile}'"#));
            memory.erased.insert(profile.clone());
        }
    }

    /// A customer opts out of email by telephone.
    fn withdraw(&self, crm: &Database, id: &str, tenant: &str, memory: &mut Memory) {
        let held = format!(
            r#"select count(*) from "MarketingConsent" where "customerId" = '{id}' and "channel" = 'EMAIL' and "scope" = 'all'"#
        );
        if crm.value(&held) == "0" {
            let consent = self.name("consent", memory);
            self.run(&format!(
                r#"insert into "MarketingConsent" ("id", "tenantId", "customerId", "channel", "status", "revokedAt", "source", "updatedAt")
                   values ('{consent}', '{tenant}', '{id}', 'EMAIL', 'OPTED_OUT', now(), 'AGENT', now())"#
            ));
        } else {
            self.run(&format!(
                r#"update "MarketingConsent" set "status" = 'OPTED_OUT', "consentedAt" = null, "revokedAt" = now(), "source" = 'AGENT', "updatedAt" = now()
                   where "customerId" = '{id}' and "channel" = 'EMAIL' and "scope" = 'all'"#
            ));
        }
        self.run(&format!(r#"update "CustomerProfile" set "emailOptIn" = false, "updatedAt" = now() where "id" = '{id}'"#));
        memory.withdrawn.insert(id.to_owned());
    }

    fn book(&self, id: &str, tenant: &str, memory: &mut Memory) {
        let booking = self.name("booking", memory);
        self.run(&format!(
            r#"insert into "Activity" ("id", "tenantId", "customerId", "type", "category", "title", "sourceService", "occurredAt")
               values ('{booking}', '{tenant}', '{id}', 'TEETIME_BOOKED', 'BOOKING', 'by the app', 'app', '2026-11-20');
               update "CustomerProfile" set "lastActivityAt" = '2026-11-20', "bookingCountTotal" = "bookingCountTotal" + 1,
                 "engagementScore" = 99 where "id" = '{id}'"#
        ));
        memory.booked.insert(id.to_owned());
    }

    fn review(&self, crm: &Database, dice: &mut Dice, memory: &mut Memory) {
        let pending = crm.rows(
            r#"select "id", "profileAId", "profileBId" from "DuplicateCandidate"
               where "status" = 'PENDING' and "profileAId" like 'bf11%' and "profileBId" like 'bf11%' order by "id""#,
        );
        let Some(pair) = dice.of(&pending) else { return };
        let status = if dice.below(2) == 0 { "CONFIRMED" } else { "REJECTED" };
        self.run(&format!(
            r#"update "DuplicateCandidate" set "status" = '{status}', "reviewedBy" = 'agent', "reviewedAt" = now() where "id" = '{}'"#,
            pair[0]
        ));
        let records = [records_of(crm, &pair[1]), records_of(crm, &pair[2])];
        // Profiles of two tenants stay two, whatever is known about the person.
        let tenants =
            format!(r#"select count(distinct "tenantId") from "CustomerProfile" where "id" in ('{}', '{}')"#, pair[1], pair[2]);
        let is_one_tenant = crm.value(&tenants) == "1";
        if status == "CONFIRMED" && is_one_tenant && records.iter().all(|records| !records.is_empty()) {
            memory.confirmed.push(records);
        }
    }

    fn delete_child(&self, crm: &Database, dice: &mut Dice, id: &str, memory: &mut Memory) {
        let table = *dice.of(&["Activity", "MarketingConsent", "IdentityAlias"]).unwrap();
        let extra = match table {
            "IdentityAlias" => r#"and "type" in ('EMAIL', 'PHONE')"#,
            "MarketingConsent" => r#"and "status" = 'OPTED_IN'"#,
            _ => "",
        };
        let rows = crm
            .rows(&format!(r#"select "id" from "{table}" where "customerId" = '{id}' and "id" like 'bf11%' {extra} order by 1"#));
        let Some(row) = dice.of(&rows) else { return };
        self.run(&format!(r#"delete from "{table}" where "id" = '{}'"#, row[0]));
        memory.deleted.insert((table.to_owned(), row[0].clone()));
    }

    fn note(&self, id: &str, tenant: &str, memory: &mut Memory) {
        let note = self.name("note", memory);
        self.run(&format!(
            r#"insert into "CustomerNote" ("id", "tenantId", "customerId", "body", "updatedAt") values ('{note}', '{tenant}', '{id}', 'called', now())"#
        ));
    }
}
