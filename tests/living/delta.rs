//! Go-live and the delta run after it, while sessions keep writing in every source and in the CRM.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crm_backfill::model::{Code as _, Source};
use crm_backfill::pg::local::Client;

use crate::living::application::Application;
use crate::living::invariants::Memory;
use crate::living::{Dice, Life, confirmed};
use crate::support::postgres::Database;

/// Contacts who have opted in before the first export; the session of the messaging service opts them out one by one.
const CONTACTS: usize = 600;

/// What must be in the sources before anyone writes.
const PREPARED: [(Source, &str); 2] = [
    (
        Source::Teetime,
        r#"insert into "Player" ("id", "email", "name", "surname", "homeClubId", "createdAt", "updatedAt")
           select 'late-player', 'late-player@mail.test', 'Lara', 'Lateplayer', min("id"), '2024-01-01Z', '2024-01-01Z' from "Club"
           where "tenantId" = 1"#,
    ),
    (
        Source::Messaging,
        r#"insert into "Contact" ("id", "tenantId", "email", "emailOptIn", "createdAt", "updatedAt")
             select 'late-' || n, '1', 'contact-' || n || '@late.test', true, '2024-01-01Z', '2024-01-01Z' from generate_series(1, CONTACTS) n;
           insert into "ConsentChangeLog" ("id", "contactId", "channel", "source", "consentAfter", "createdAt")
             select 'late-in-' || n, 'late-' || n, 'EMAIL', 'WEB_FORM', true, '2024-01-01Z' from generate_series(1, CONTACTS) n"#,
    ),
];

/// What the session of a source writes: a new member, a booking, an opt-out. `NUMBER` is the event's number.
fn writes(source: Source, number: usize) -> String {
    let statement = match source {
        Source::McaZa => {
            "insert into members (id, email, first_name, last_name, date_of_birth, status, created_at, updated_at)
             values (97000NUMBER, 'za-NUMBER@late.test', 'Zola', 'LatezaNUMBER', date '1950-01-01' + NUMBER, 'active', localtimestamp, localtimestamp)"
        }
        Source::McaUk => {
            "insert into members (id, email, forename, surname, dob, status, created_at, updated_at)
             values (97000NUMBER, 'uk-NUMBER@late.test', 'Una', 'LateukNUMBER', date '1960-01-01' + NUMBER, 'active', localtimestamp, localtimestamp)"
        }
        Source::Scl => {
            r#"insert into "Member" ("id", "tenantId", "email", "firstName", "lastName", "status", "createdAt", "updatedAt")
               values (97000NUMBER, 1, 'scl-NUMBER@late.test', 'Sol', 'LatesclNUMBER', 'ACTIVE', clock_timestamp(), clock_timestamp())"#
        }
        Source::Teetime => {
            r#"insert into "TeeTime" ("id", "playerId", "status", "startTime", "playerCount", "createdAt")
               values ('late-NUMBER', 'late-player', 'BOOKED', clock_timestamp(), 2, clock_timestamp())"#
        }
        Source::Messaging => {
            r#"insert into "ConsentChangeLog" ("id", "contactId", "channel", "source", "consentAfter", "createdAt")
               values ('late-out-NUMBER', 'late-NUMBER', 'EMAIL', 'UNSUBSCRIBE_LINK', false, clock_timestamp())"#
        }
    };
    statement.replace("NUMBER", &number.to_string())
}

/// The ids that the CRM has of what [`writes`] wrote: the alias of a member, the activity of a booking, the contact without consent.
fn arrived(crm: &Database, source: Source) -> BTreeSet<String> {
    let members =
        |alias: &str| format!(r#"select "value" from "IdentityAlias" where "type" = '{alias}' and "value" like '97000%'"#);
    let sql = match source {
        Source::McaZa => members("MCA_V1_ZA_ID"),
        Source::McaUk => members("MCA_V1_UK_ID"),
        Source::Scl => members("SCL_MEMBER_ID"),
        Source::Teetime => r#"select "sourceId" from "Activity" where "sourceId" like 'late-%'"#.to_owned(),
        // Rows of a merged profile may stay with it: what counts is the profile at the end of its pointers.
        Source::Messaging => r#"with recursive held as (
                 select "value", "customerId" from "IdentityAlias" where "type" = 'MESSAGING_CONTACT_ID' and "value" like 'late-%'
                 union select "value", "mergedIntoId" from held join "CustomerProfile" p on p."id" = "customerId" and "status" = 'MERGED')
               select "value" from held join "CustomerProfile" p on p."id" = "customerId" where "status" <> 'MERGED' and not "emailOptIn""#
            .to_owned(),
    };
    crm.rows(&sql).into_iter().map(|mut row| row.remove(0)).collect()
}

/// A committed event of a source.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    source: Source,
    id: String,
    /// When its row was written, as watermarks are written.
    written_at: String,
}

impl Event {
    fn of(source: Source, number: usize, written_at: String) -> Self {
        let prefix = if matches!(source, Source::Teetime | Source::Messaging) { "late-" } else { "97000" };
        Self { source, id: format!("{prefix}{number}"), written_at }
    }

    /// The record whose erasure in the CRM keeps the event out, as [`Memory`] names it.
    fn record(&self) -> String {
        match self.source {
            Source::Teetime => "TEETIME_PLAYER_ID late-player".to_owned(),
            Source::Messaging => format!("MESSAGING_CONTACT_ID {}", self.id),
            Source::Scl => format!("SCL_MEMBER_ID {}", self.id),
            Source::McaZa => format!("MCA_V1_ZA_ID {}", self.id),
            Source::McaUk => format!("MCA_V1_UK_ID {}", self.id),
        }
    }
}

/// An application's session in a source: a transaction of one event.
struct Session {
    client: Client,
    source: Source,
}

impl Session {
    fn open(life: &Life, source: Source) -> Self {
        Self { client: life.world.source(source).client(), source }
    }

    /// Writes an event and leaves its transaction open.
    fn begin(&mut self, number: usize) -> Event {
        self.client.execute(&format!("begin; {}", writes(self.source, number))).unwrap();
        let now = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
        let written_at = self.client.rows(now).unwrap().remove(0).remove(0).unwrap();
        Event::of(self.source, number, written_at)
    }

    fn commit(&mut self) {
        self.client.execute("commit").unwrap();
    }

    /// Writes events from this number on, two in a second, until told to stop.
    fn keep_writing(mut self, from: usize, journal: &Mutex<Vec<Event>>, stop: &AtomicBool) {
        for number in from..=CONTACTS {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let event = self.begin(number);
            thread::sleep(Duration::from_millis(100));
            self.commit();
            journal.lock().unwrap().push(event);
            thread::sleep(Duration::from_millis(400));
        }
    }
}

/// Users and an application at work in the CRM until told to stop, but not before they did a dozen things.
fn keep_working(life: &Life, stop: &AtomicBool) -> Memory {
    let application = Application::open(&life.crm.url_as("living_app"), 1);
    let (mut memory, mut dice) = (Memory::default(), Dice(0x9e37_79b9_7f4a_7c15));
    let mut done = 0;
    while done < 12 || !stop.load(Ordering::Relaxed) {
        application.act(&life.crm, &mut dice, &mut memory);
        thread::sleep(Duration::from_millis(100));
        done += 1;
    }
    memory
}

/// Start of sync by source, from `watermarks`.
fn watermarks(life: &Life) -> BTreeMap<String, String> {
    let said = life.workdir.ok("watermarks", &["--json"]).json();
    let rows = said["result"]["watermarks"].as_array().unwrap();
    rows.iter().map(|row| (row["source"].as_str().unwrap().to_owned(), row["start_at"].as_str().unwrap().to_owned())).collect()
}

/// The events that the CRM does not have.
fn missing(crm: &Database, events: &[Event]) -> Vec<Event> {
    let arrived: BTreeMap<Source, BTreeSet<String>> = Source::ALL.iter().map(|source| (*source, arrived(crm, *source))).collect();
    events.iter().filter(|event| !arrived[&event.source].contains(&event.id)).cloned().collect()
}

/// Checks that sync, if it starts at the watermarks, carries every event that the CRM does not have.
fn sync_carries(missing: &[Event], start: &BTreeMap<String, String>) {
    for event in missing {
        let start = &start[event.source.code()];
        assert!(event.written_at >= *start, "{event:?} is neither loaded nor after the watermark {start}");
    }
}

fn now(database: &Database) -> String {
    database.value("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
}

/// What is known when the night is over.
struct Night {
    /// Start of sync by source.
    start: BTreeMap<String, String>,
    /// The events so far.
    events: Vec<Event>,
    /// Those that the CRM does not have.
    left: Vec<Event>,
}

/// The night: the CRM is frozen, the sources are in use.
fn go_live(life: &Life, slow: &mut [Session], journal: &Mutex<Vec<Event>>) -> Night {
    // Each source also has a slow transaction: it begins before the export and is committed after it.
    let held: Vec<Event> = slow.iter_mut().map(|session| session.begin(1)).collect();
    while Source::ALL.iter().any(|source| journal.lock().unwrap().iter().filter(|event| event.source == *source).count() < 3) {
        thread::sleep(Duration::from_millis(50));
    }
    life.export(&now(&life.crm));
    slow.iter_mut().for_each(Session::commit);
    journal.lock().unwrap().extend(held.clone());
    life.build();
    life.load_and_verify(&Memory::default(), "the night");
    let (start, events) = (watermarks(life), journal.lock().unwrap().clone());
    let left = missing(&life.crm, &events);
    sync_carries(&left, &start);
    for event in held {
        assert!(left.contains(&event), "no export has what was committed after it: {event:?}");
    }
    for source in Source::ALL {
        let of = |events: &[Event]| events.iter().filter(|event| event.source == *source).count();
        assert!(of(&left) > 1 && of(&left) < of(&events), "{source}: {} of {} events are left", of(&left), of(&events));
    }
    Night { start, events, left }
}

/// What sync brought since go-live, as a row of its own: a member whom it did not know.
fn sync(life: &Life, left: &[Event]) {
    let member = &left.iter().find(|event| event.source == Source::Scl).unwrap().id;
    life.crm.execute(&format!(
        r#"insert into "CustomerProfile" ("id", "tenantId", "email", "sclMemberId", "source", "firstSeenAt", "updatedAt")
           values ('sync-member', '1', 'scl-{}@late.test', {member}, 'scl', now(), now())"#,
        member.trim_start_matches("97000")
    ));
}

/// The delta run: exports while everybody works, a load once the writers of the CRM pause. Returns what users did.
fn delta_run(life: &Life, at_work: thread::ScopedJoinHandle<'_, Memory>, pause: &AtomicBool) -> Memory {
    life.export(&now(&life.crm));
    life.build();
    let mut user = Client::connect(&life.crm.url_as("living_app")).unwrap();
    user.execute(r#"begin; update "CustomerProfile" set "updatedAt" = now() where "id" = 'sync-member'"#).unwrap();
    life.workdir.run("load", &[]).exits(10).says("living_app").says("is in a transaction on CustomerProfile");
    pause.store(true, Ordering::Relaxed);
    user.execute("commit").unwrap();
    let mut memory = at_work.join().unwrap();
    // Rows of theirs are newer than the last load: a sign until the operator confirms that the consumers are paused.
    life.workdir.run("load", &[]).exits(10).says("--consumers-stopped");
    // The member whom sync brought would be in the CRM twice. Without her service id, the pair is for clerical review.
    life.workdir.run("load", &confirmed()).exits(10).says("foreign profiles hold ids of ours: 1 sclMemberId");
    life.crm.execute(r#"update "CustomerProfile" set "sclMemberId" = null where "id" = 'sync-member'"#);
    // Pairs may be confirmed after the datasets were built: the next run unites them.
    let confirmed_late = mem::take(&mut memory.confirmed);
    life.load_and_verify(&memory, "the delta run");
    memory.confirmed = confirmed_late;
    life.build();
    life.load_and_verify(&memory, "the run after it");
    let pairs = r#"select count(*) from "DuplicateCandidate" where 'sync-member' in ("profileAId", "profileBId")"#;
    assert_eq!(life.crm.value(pairs), "1");
    memory
}

#[test]
fn nothing_is_lost_or_turned_back_between_export_and_delta_run() {
    let life = Life::begin(11);
    for (source, statements) in PREPARED {
        life.world.source(source).execute(&statements.replace("CONTACTS", &CONTACTS.to_string()));
    }
    let mut slow: Vec<Session> = Source::ALL.iter().map(|source| Session::open(&life, *source)).collect();
    let (journal, stop, pause) = (Mutex::new(Vec::new()), AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        // A failed assertion must end the sessions, too.
        let _stopped = Stop([&stop, &pause]);
        for source in Source::ALL {
            let (session, journal, stop) = (Session::open(&life, *source), &journal, &stop);
            scope.spawn(move || session.keep_writing(2, journal, stop));
        }
        let night = go_live(&life, &mut slow, &journal);
        sync(&life, &night.left);
        let at_work = scope.spawn(|| keep_working(&life, &pause));
        let exported = journal.lock().unwrap().len();
        let memory = delta_run(&life, at_work, &pause);

        // What was committed before the second export is in the CRM, also what no event carried; the rest comes through sync. What the
        // night brought may be deleted by users since: their memory is checked after the load.
        let events = journal.lock().unwrap().clone();
        let is_open = |event: &&Event| !night.events.contains(event) || night.left.contains(event);
        let is_erased = |event: &Event| memory.erased_records.contains(&event.record());
        let open: Vec<Event> = events.iter().filter(is_open).filter(|event| !is_erased(event)).cloned().collect();
        let absent = missing(&life.crm, &open);
        let lost: Vec<&Event> = absent.iter().filter(|event| events[..exported].contains(event)).collect();
        assert!(lost.is_empty(), "of {} events: {lost:?}", open.len());
        let later = watermarks(&life);
        sync_carries(&absent, &later);
        for (source, start) in night.start {
            assert!(later[&source] > start, "{source}: sync may start later, {} and not {start}", later[&source]);
        }
    });
}

/// Tells sessions to stop when it is dropped.
struct Stop<'a>([&'a AtomicBool; 2]);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        for flag in self.0 {
            flag.store(true, Ordering::Relaxed);
        }
    }
}
