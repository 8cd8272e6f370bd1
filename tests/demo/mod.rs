//! The demo population: the same rows for the same seed, the strategy's sizes, and every kind of data error.

use crm_backfill::demo::{self, Community, DemoPopulation, DemoRecords};
use crm_backfill::model::{Code as _, Source};

use crate::support::postgres::{Database, database};

fn filled(source: Source, seed: u64, scale: f64) -> Database {
    let records = DemoRecords::new(Community::new(&DemoPopulation::ORDINARY, seed, scale, demo::default_as_of()));
    let database = database("");
    demo::fill(&mut database.client(), source, &records).unwrap_or_else(|error| panic!("{error:#}"));
    database
}

/// One hash over every row of every table, in an order of the rows' own.
fn content(database: &Database) -> Vec<Vec<String>> {
    let tables =
        database.rows("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1");
    let hash = |table: &str| {
        database.value(&format!(
            "select md5(string_agg(row_text, '|' order by row_text)) from (select t::text as row_text from \"{table}\" t) r"
        ))
    };
    tables.into_iter().map(|table| vec![table[0].clone(), hash(&table[0])]).collect()
}

#[test]
fn the_same_seed_gives_the_same_rows_and_another_seed_others() {
    for source in Source::ALL {
        let (one, again, other) = (filled(*source, 1, 0.004), filled(*source, 1, 0.004), filled(*source, 2, 0.004));
        assert_eq!(content(&one), content(&again), "{}", source.code());
        assert_ne!(content(&one), content(&other), "{}", source.code());
    }
}

#[test]
fn sizes_follow_the_strategys_estimates() {
    let expected = [
        (Source::McaZa, "members", 50_000),
        (Source::McaZa, "clubs", 500),
        (Source::McaZa, "member_clubs", 80_000),
        (Source::McaZa, "handicaps", 200_000),
        (Source::McaUk, "members", 30_000),
        (Source::McaUk, "clubs", 300),
        (Source::McaUk, "memberships", 50_000),
        (Source::Scl, "Member", 10_000),
        (Source::Scl, "MemberClub", 15_000),
        (Source::Scl, "SportMembership", 12_000),
        (Source::Teetime, "Player", 100_000),
        (Source::Teetime, "PlayerClubMembership", 80_000),
        (Source::Teetime, "PlayerAssociation", 60_000),
        (Source::Messaging, "Contact", 80_000),
        (Source::Messaging, "ContactPreference", 150_000),
        (Source::Messaging, "ConsentChangeLog", 50_000),
    ];
    let scale = 0.02;
    for source in Source::ALL {
        let database = filled(*source, 1, scale);
        for (_, table, estimate) in expected.iter().filter(|(of, ..)| of == source) {
            let rows: f64 = database.value(&format!("select count(*) from \"{table}\"")).parse().unwrap();
            let ratio = rows / (f64::from(*estimate) * scale);
            assert!((0.85..1.15).contains(&ratio), "{} {table}: {rows} rows, {ratio:.2} of the estimate", source.code());
        }
    }
}

#[test]
fn bookings_and_messages_fill_the_window_up_to_its_limits() {
    for (source, table, within) in [(Source::Teetime, "TeeTime", "8000"), (Source::Messaging, "MessageLog", "12000")] {
        let database = filled(source, 1, 0.02);
        let of = |condition: &str| database.value(&format!("select count(*) from \"{table}\" where \"createdAt\" {condition}"));
        assert_eq!(of(">= '2024-11-01T06:00:00Z'"), within);
        assert_eq!(of("= '2024-11-01T06:00:00Z'"), "1");
        assert_eq!(of("= '2024-11-01T05:59:59.999999Z'"), "1");
        assert_eq!(of("> '2026-11-01T06:00:00Z'"), "0");
    }
}

#[test]
fn every_reference_of_every_source_holds() {
    for source in Source::ALL {
        // The demo is filled without checking references, for speed. They are checked here.
        let database = filled(*source, 3, 0.01);
        let references = database.rows(
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f' order by 1, 2",
        );
        assert!(!references.is_empty());
        for reference in references {
            let [table, name, definition] = reference.as_slice() else { panic!("three columns") };
            database.execute(&format!("alter table {table} drop constraint \"{name}\", add constraint \"{name}\" {definition}"));
        }
    }
}

#[test]
fn every_kind_of_data_error_occurs() {
    let za = filled(Source::McaZa, 1, 0.1);
    let uk = filled(Source::McaUk, 1, 0.1);
    let scl = filled(Source::Scl, 1, 0.2);
    let teetime = filled(Source::Teetime, 1, 0.05);
    let messaging = filled(Source::Messaging, 1, 0.05);
    let at_least = |database: &Database, least: u64, what: &str, sql: &str| {
        let found: u64 = database.value(&format!("select count(*) from {sql}")).parse().unwrap();
        assert!(found >= least, "{what}: {found} of {least}");
    };
    at_least(&za, 10, "placeholder addresses", "members where email like '%noemail%'");
    at_least(&za, 10, "placeholder numbers", "members where phone ~ '^0+$'");
    at_least(&za, 25, "neither address nor number", "members where email is null and phone is null");
    at_least(&za, 2, "national identity numbers", "members where golf_rsa_id ~ '^[0-9]{13}$'");
    at_least(&za, 2, "numbers a spreadsheet spoilt", "members where golf_rsa_id like '%E+%'");
    at_least(&za, 1, "two numbers in a cell", "members where phone like '%/%' or phone like '% or %'");
    at_least(
        &za,
        1,
        "invisible characters",
        "members where first_name || last_name || coalesce(email, '') ~ '[\u{200b}\u{202a}\u{202e}]'",
    );
    at_least(&za, 5, "the same person twice", "(select golf_rsa_id from members group by 1 having count(*) > 1) t");
    at_least(&za, 2, "infinite dates", "members where not isfinite(date_of_birth)");
    at_least(&za, 25, "handicaps that stand for none", "handicaps where handicap_index in (99.9, 999, 54.1, -1, 99)");
    at_least(&za, 10, "handicaps dated ahead", "handicaps where effective_date > '2026-11-01'");
    at_least(&za, 10, "plus handicaps", "handicaps where handicap_index < -1");
    at_least(
        &za,
        50,
        "statuses without a mapping",
        "members where status in ('XFER-2', 'Sleeper') or status is null or status = '' limit 100",
    );
    at_least(
        &za,
        15,
        "family mailboxes",
        "(select lower(email) from members group by 1 having count(distinct first_name) > 1) t",
    );
    at_least(&uk, 10, "a zero in brackets", "members where mobile like '%(0)%'");
    at_least(&uk, 10, "the zero lost", "members where mobile ~ '^7[0-9]{9}$'");
    at_least(&scl, 50, "logins by provider", "\"Member\" where \"externalSubject\" like 'auth0|%'");
    at_least(&scl, 50, "logins by UUID", "\"Member\" where \"externalSubject\" ~ '^[0-9a-f-]{36}$'");
    at_least(&scl, 25, "legacy codes for logins", "\"Member\" where \"externalSubject\" like 'LEG-%'");
    at_least(&teetime, 250, "players without a home club", "\"Player\" where \"homeClubId\" is null");
    at_least(&teetime, 1, "clubs without a tenant", "\"Club\" where \"tenantId\" is null");
    at_least(&teetime, 1, "a start that never comes", "\"TeeTime\" where not isfinite(\"startTime\")");
    at_least(&teetime, 25, "unknown statuses of bookings", "\"TeeTime\" where status in ('WX', '')");
    at_least(&teetime, 50, "bookings ahead", "\"TeeTime\" where \"startTime\" > '2026-11-01T06:00:00Z'");
    at_least(&messaging, 50, "deleted contacts", "\"Contact\" where \"deletedAt\" is not null");
    at_least(
        &messaging,
        25,
        "withdrawals of deleted contacts",
        "\"ConsentChangeLog\" l join \"Contact\" c on c.id = l.\"contactId\" where c.\"deletedAt\" is not null and not l.\"consentAfter\"",
    );
    at_least(
        &messaging,
        25,
        "log against preference",
        "\"ConsentChangeLog\" l join \"ContactPreference\" p using (\"contactId\", channel) where l.\"consentAfter\" <> p.\"optedIn\"",
    );
    at_least(
        &messaging,
        10,
        "the same choice stored both ways",
        "(select 1 from \"ContactPreference\" group by \"contactId\", channel, coalesce(scope, 'all') having count(distinct \"optedIn\") > 1) t",
    );
    at_least(&messaging, 2, "channels of no such kind", "\"ContactPreference\" where channel in ('FAX', 'VOICE', 'post')");
    at_least(&messaging, 1, "choices dated ahead", "\"ContactPreference\" where \"updatedAt\" > '2026-11-01T06:00:00Z'");
    at_least(
        &messaging,
        1,
        "changes at one instant",
        "(select 1 from \"ConsentChangeLog\" group by \"contactId\", channel, \"createdAt\" having count(distinct \"consentAfter\") > 1) t",
    );
    at_least(
        &messaging,
        200,
        "contacts nothing was sent to",
        "\"Contact\" c where not exists (select from \"MessageLog\" m where m.\"contactId\" = c.id) limit 2000",
    );
}
