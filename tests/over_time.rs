//! A migration over time: sources change, users work in the CRM, and new exports are loaded repeatedly.

use crm_backfill::model::{Code as _, Source};
use crm_backfill::sources::exports;

use crate::support::postgres::{Database, database};
use crate::support::workdir::Workdir;
use crate::support::world;

const SEGMENT: &str = "5e9a0001-0000-4000-8000-000000000009";

/// Five small sources, a CRM, and a day.
struct Scenario {
    workdir: Workdir,
    sources: Vec<Database>,
    crm: Database,
    day: u8,
}

impl Scenario {
    fn new() -> Self {
        let mut workdir = Workdir::new();
        // Half of the nine rows may vanish from one day to the next.
        workdir.edit("backfill.toml", "max_reject_ratio = 0.05", "max_reject_ratio = 1.0");
        let tables = |source: &Source| {
            let path = format!("{}/schemas/sources/{}.sql", env!("CARGO_MANIFEST_DIR"), source.code());
            let made = database(&std::fs::read_to_string(path).unwrap());
            workdir.set(source.url_variable(), &made.url);
            made
        };
        let sources = Source::ALL.iter().map(tables).collect();
        let crm = database(include_str!("../schemas/crm.sql"));
        workdir.set("CRM_DATABASE_URL", &crm.url);
        Self { workdir, sources, crm, day: 0 }
    }

    fn source(&self, source: Source) -> &Database {
        &self.sources[Source::ALL.iter().position(|known| *known == source).unwrap()]
    }

    fn member(&self, id: i32, first: &str, email: &str) {
        self.source(Source::Scl).execute(&format!(
            r#"insert into "Member" ("id", "tenantId", "email", "firstName", "lastName", "status", "createdAt", "updatedAt")
               values ({id}, 1, '{email}', '{first}', 'Mokoena', 'ACTIVE', '2020-01-01Z', '2020-01-01Z')"#
        ));
    }

    fn contact(&self, id: &str, email: &str) {
        self.source(Source::Messaging).execute(&format!(
            r#"insert into "Contact" ("id", "tenantId", "email", "emailOptIn", "createdAt", "updatedAt")
               values ('{id}', '1', '{email}', true, '2021-01-01Z', '2021-01-01Z')"#
        ));
    }

    /// An opt-in or opt-out by preference of a contact on a day of this November.
    fn preference(&self, contact: &str, opted_in: bool, day: u8) {
        self.source(Source::Messaging).execute(&format!(
            r#"insert into "ContactPreference" ("id", "contactId", "channel", "optedIn", "createdAt", "updatedAt")
               values ('{contact}-{day}', '{contact}', 'EMAIL', {opted_in}, '2026-11-{day:02}Z', '2026-11-{day:02}Z')"#
        ));
    }

    /// A logged consent change of a contact on a day of this November.
    fn act(&self, contact: &str, opted_in: bool, day: u8) {
        self.source(Source::Messaging).execute(&format!(
            r#"insert into "ConsentChangeLog" ("id", "contactId", "channel", "source", "consentAfter", "createdAt")
               values ('{contact}-{day}', '{contact}', 'EMAIL', 'WEB_FORM', {opted_in}, '2026-11-{day:02}T12:00:00Z')"#
        ));
    }

    fn forget_contact(&self, id: &str) {
        self.source(Source::Messaging).execute(&format!(
            r#"delete from "ContactPreference" where "contactId" = '{id}'; delete from "ConsentChangeLog" where "contactId" = '{id}';
               delete from "Contact" where "id" = '{id}'"#
        ));
    }

    /// Everything exported anew as of a later day, loaded, verified, and loaded again without effect.
    fn another_day(&mut self, day: u8) {
        assert!(day > self.day);
        self.day = day;
        self.workdir.set("AS_OF", &format!("2026-11-{day:02}T06:00:00Z"));
        for step in world::exporters(6) {
            self.workdir.ok(step, &["--new-as-of"]);
        }
        self.load();
    }

    /// From the saved exports and a renewed one of the CRM to a verified CRM.
    fn load(&self) {
        self.workdir.ok("export-crm", &[]);
        for step in ["stage", "resolve", "consolidate", "score"] {
            self.workdir.ok(step, &[]);
        }
        // One of three people is more than a fifth.
        let mut all = Vec::new();
        for source in Source::ALL {
            all.extend(exports(*source).iter().map(|export| format!("{source}.{}", export.entity)));
        }
        let all = all.join(",");
        self.workdir.ok("load", &["--allow-shrink", &all]);
        self.workdir.ok("verify", &[]);
        self.workdir.ok("load", &["--allow-shrink", &all]).says("nothing to do");
    }

    /// The profile that holds a service id, and no other.
    fn profile_of(&self, member: i32) -> String {
        self.crm.value(&format!(r#"select "id" from "CustomerProfile" where "sclMemberId" = {member}"#))
    }

    fn column(&self, profile: &str, column: &str) -> String {
        self.crm.value(&format!(r#"select "{column}"::text from "CustomerProfile" where "id" = '{profile}'"#))
    }

    /// Consent rows by e-mail of a profile, and its flag.
    fn consent(&self, profile: &str) -> [String; 2] {
        let status = self.crm.value(&format!(
            r#"select coalesce(string_agg("status"::text, ' '), '-') from "MarketingConsent"
               where "customerId" = '{profile}' and "channel" = 'EMAIL'"#
        ));
        [status, self.column(profile, "emailOptIn")]
    }
}

/// Changes that users made in the CRM after the first load. Every later load keeps them exactly.
const THEIRS: [&str; 5] = [
    r#"select to_jsonb(t)::text from "CustomerNote" t"#,
    r#"select to_jsonb(t)::text from "CustomerSegment" t"#,
    r#"select to_jsonb(t)::text from "CustomerSegmentMembership" t where "source" = 'MANUAL'"#,
    r#"select "profileAId", "profileBId", "status"::text, "reviewedBy", "reviewedAt"::text from "DuplicateCandidate" where "reviewedBy" is not null"#,
    r#"select (to_jsonb(t))::text from "CustomerProfile" t where "id" not like 'bf11%'"#,
];

fn theirs(scenario: &Scenario) -> Vec<Vec<Vec<String>>> {
    THEIRS.iter().map(|sql| scenario.crm.rows(sql)).collect()
}

#[test]
fn no_sequence_of_changes_loses_foreign_data_or_a_withdrawal() {
    let mut scenario = Scenario::new();
    // Anna withdraws by preference, Bea by a logged act. Emil moves. Gus has a legacy record. Two Doras may be one.
    for (id, first) in [(101, "Anna"), (102, "Bea"), (103, "Cleo"), (105, "Emil"), (106, "Gus")] {
        scenario.member(id, first, &format!("{}@mail.test", first.to_lowercase()));
    }
    for (id, number) in [(1, "1012345678"), (2, "1087654321")] {
        scenario.source(Source::McaUk).execute(&format!(
            "insert into members (id, email, mobile, forename, surname, dob, cdh_id, status, created_at, updated_at)
             values ({id}, 'dora@mail.test', '07700900123', 'Dora', 'Dunne', '1980-04-04', '{number}', 'active', '2012-01-01', '2012-01-01')"
        ));
    }
    let mca = r#"insert into members (id, email, first_name, last_name, date_of_birth, status, created_at, updated_at)
                 values (6, 'gus@mail.test', 'Gus', 'Mokoena', '1970-05-05', 'active', '2010-01-01', '2010-01-01')"#;
    scenario.source(Source::McaZa).execute(mca);
    for name in ["anna", "bea", "cleo"] {
        scenario.contact(name, &format!("{name}@mail.test"));
    }
    scenario.preference("anna", false, 1);
    scenario.act("bea", false, 1);
    scenario.act("cleo", true, 1);
    scenario.another_day(2);
    let [anna, bea, cleo, emil, gus] = [101, 102, 103, 105, 106].map(|member| scenario.profile_of(member));
    let pair = scenario.crm.rows(r#"select "profileAId", "profileBId" from "DuplicateCandidate""#).remove(0);
    assert_eq!(scenario.consent(&anna), ["OPTED_OUT", "false"]);
    assert_eq!(scenario.consent(&bea), ["OPTED_OUT", "false"]);
    assert_eq!(scenario.consent(&cleo), ["OPTED_IN", "true"]);
    assert_eq!(scenario.column(&gus, "source"), "mca_v1_za", "the legacy record founds Gus");

    scenario.crm.execute(&format!(
        r#"insert into "CustomerNote" ("id", "tenantId", "customerId", "body", "createdAt", "updatedAt")
               values ('n1', '1', '{bea}', 'prefers mornings', '2020-01-01', '2020-01-01');
           update "CustomerProfile" set "firstName" = 'Cleopatra', "updatedBy" = 'lee' where "id" = '{cleo}';
           update "DuplicateCandidate" set "status" = 'REJECTED', "reviewedBy" = 'lee', "reviewedAt" = '2026-11-02'
               where "profileAId" = '{}' and "profileBId" = '{}';
           insert into "CustomerSegment" ("id", "tenantId", "name", "type", "memberCount", "createdAt", "updatedAt")
               values ('{SEGMENT}', '1', 'Captain''s guests', 'STATIC', 1, '2020-01-01', '2020-01-01');
           insert into "CustomerSegmentMembership" ("id", "tenantId", "segmentId", "customerId", "source", "addedAt")
               values ('m1', '1', '{SEGMENT}', '{emil}', 'MANUAL', '2020-01-01');
           insert into "CustomerProfile" ("id", "tenantId", "email", "source", "firstSeenAt", "createdAt", "updatedAt")
               values ('p1', '1', 'walk-in@mail.test', 'app', '2020-01-01', '2020-01-01', '2020-01-01')"#,
        pair[0], pair[1]
    ));
    let before = theirs(&scenario);
    assert!(before.iter().all(|rows| rows.len() == 1), "{before:?}");

    // Bea and the seed record of Gus are hard-deleted, Anna's contact too; Emil and Cleo have new addresses.
    scenario.source(Source::Scl).execute(
        r#"delete from "Member" where "id" = 102;
           update "Member" set "email" = 'emil@new.test' where "id" = 105;
           update "Member" set "email" = 'cleo@new.test' where "id" = 103"#,
    );
    scenario.source(Source::McaZa).execute("delete from members where id = 6");
    scenario.forget_contact("bea");
    scenario.forget_contact("anna");
    scenario.another_day(3);
    assert_eq!(theirs(&scenario), before, "after rows vanished");
    assert_eq!(scenario.column(&bea, "status"), "MERGED", "a note hangs on the profile that vanished");
    assert_eq!(
        (scenario.profile_of(106), scenario.column(&gus, "source")),
        (gus.clone(), "scl".to_owned()),
        "Gus keeps his id without his seed record"
    );
    assert_eq!((scenario.profile_of(105), scenario.column(&emil, "email")), (emil.clone(), "emil@new.test".to_owned()));
    assert_eq!(
        (scenario.column(&cleo, "firstName"), scenario.column(&cleo, "email")),
        ("Cleopatra".to_owned(), "cleo@mail.test".to_owned())
    );
    assert_eq!(scenario.consent(&anna), ["OPTED_OUT", "false"], "the withdrawal outlives its contact");

    // They come back. Anna's and Bea's new contacts claim consent by preference and by flag: that lifts nothing.
    scenario.member(102, "Bea", "bea@mail.test");
    scenario.source(Source::McaZa).execute(mca);
    for name in ["anna", "bea"] {
        scenario.contact(&format!("{name}2"), &format!("{name}@mail.test"));
        scenario.preference(&format!("{name}2"), true, 4);
    }
    scenario.another_day(5);
    assert_eq!(theirs(&scenario), before, "after rows came back");
    assert_eq!(
        (scenario.profile_of(102), scenario.column(&bea, "status")),
        (bea.clone(), "ACTIVE".to_owned()),
        "Bea is who she was"
    );
    assert_eq!((scenario.profile_of(106), scenario.column(&gus, "source")), (gus.clone(), "mca_v1_za".to_owned()));
    for profile in [&anna, &bea] {
        assert_eq!(scenario.consent(profile)[1], "false", "no flag rises");
        assert!(!scenario.consent(profile)[0].contains("OPTED_IN"), "{:?}", scenario.consent(profile));
    }

    // A logged opt-in before the withdrawal does not lift it; a later one does.
    scenario.source(Source::Messaging).execute(
        r#"insert into "ConsentChangeLog" ("id", "contactId", "channel", "source", "consentAfter", "createdAt")
           values ('bea2-old', 'bea2', 'EMAIL', 'WEB_FORM', true, '2026-10-01Z')"#,
    );
    scenario.act("anna2", true, 6);
    scenario.another_day(7);
    assert_eq!(scenario.consent(&anna), ["OPTED_IN", "true"], "a later explicit action lifts the withdrawal");
    assert_eq!(scenario.consent(&bea)[1], "false");

    // The same exports once more, and a source whose rows all vanish but one.
    scenario.load();
    scenario.source(Source::Messaging).execute(
        r#"delete from "ContactPreference"; delete from "ConsentChangeLog"; delete from "Contact" where "id" <> 'cleo'"#,
    );
    scenario.another_day(8);
    assert_eq!(theirs(&scenario), before, "at the end");
    assert_eq!(scenario.consent(&bea)[1], "false");
    assert_eq!(
        [101, 102, 103, 105, 106].map(|member| scenario.profile_of(member)),
        [anna, bea, cleo, emil, gus],
        "everybody is who they were"
    );
}

/// A contact as its source has it today.
#[derive(Clone)]
struct Contact {
    id: String,
    address: usize,
    /// Opt-outs (false) and opt-ins (true) with their day; logged opt-ins can lift.
    evidence: Vec<(bool, bool, u8)>,
}

/// Numbers that are the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

const PEOPLE: [(i32, &str); 4] = [(101, "Anna"), (102, "Bea"), (103, "Cleo"), (104, "Dora")];

fn address(person: usize) -> String {
    format!("{}@mail.test", PEOPLE[person].1.to_lowercase())
}

/// One event of a contact on a day, in the source and in the expected state of the test.
fn happen(scenario: &Scenario, contacts: &mut Vec<Contact>, dice: &mut Dice, day: u8, made: &mut usize) {
    let messaging = scenario.source(Source::Messaging);
    let who = if contacts.is_empty() { 0 } else { dice.below(contacts.len()) };
    match dice.below(if contacts.is_empty() { 1 } else { 8 }) {
        0 | 1 => {
            *made += 1;
            let contact = Contact { id: format!("c{made}"), address: dice.below(PEOPLE.len()), evidence: Vec::new() };
            scenario.contact(&contact.id, &address(contact.address));
            contacts.push(contact);
        }
        2 => {
            scenario.forget_contact(&contacts[who].id);
            contacts.remove(who);
        }
        3 => {
            let moved = dice.below(PEOPLE.len());
            let id = &contacts[who].id;
            messaging.execute(&format!(r#"update "Contact" set "email" = '{}' where "id" = '{id}'"#, address(moved)));
            contacts[who].address = moved;
        }
        kind => {
            let contact = &mut contacts[who];
            let (is_logged, is_grant) = (kind < 6, dice.below(2) == 0);
            if contact.evidence.iter().any(|(logged, _, known)| *logged == is_logged && *known == day) {
                return;
            }
            if is_logged {
                scenario.act(&contact.id, is_grant, day)
            } else {
                scenario.preference(&contact.id, is_grant, day)
            }
            contact.evidence.push((is_logged, is_grant, day));
        }
    }
}

/// Contacts appear, disappear, change emails, opt in and opt out at random. A loaded opt-out of an email stays in effect for
/// every profile with that email, until a contact with the email has a later logged opt-in.
#[test]
fn no_sequence_of_events_ends_a_withdrawal_without_a_logged_opt_in() {
    let mut scenario = Scenario::new();
    for (id, first) in PEOPLE {
        scenario.member(id, first, &format!("{}@mail.test", first.to_lowercase()));
    }
    let (mut dice, mut contacts, mut made) = (Dice(0xf1bb_cdcb_fa53_e0a8), Vec::new(), 0);
    let (mut refused, mut agreed) = ([None; PEOPLE.len()], [None; PEOPLE.len()]);
    let mut held_back = 0;
    for day in 2..=7_u8 {
        for _ in 0..5 {
            happen(&scenario, &mut contacts, &mut dice, day - 1, &mut made);
        }
        scenario.another_day(day);
        for contact in &contacts {
            for &(is_logged, is_grant, at) in &contact.evidence {
                // A logged change is dated at noon of its day, a preference at its beginning.
                let at = u16::from(at) * 2 + u16::from(is_logged);
                if !is_grant {
                    refused[contact.address] = refused[contact.address].max(Some(at));
                } else if is_logged {
                    agreed[contact.address] = agreed[contact.address].max(Some(at));
                }
            }
        }
        for person in (0..PEOPLE.len()).filter(|&person| refused[person].is_some() && agreed[person] <= refused[person]) {
            let granted = format!(
                r#"select count(*) from "CustomerProfile" p where p."email" = '{}' and (p."emailOptIn" or exists (
                     select from "MarketingConsent" c
                     where c."customerId" = p."id" and c."channel" = 'EMAIL' and c."status" = 'OPTED_IN'))"#,
                address(person)
            );
            assert_eq!(scenario.crm.value(&granted), "0", "day {day}: {}", address(person));
            held_back += 1;
        }
    }
    assert!(held_back > 3, "the course of events tried it: {held_back}");
}
