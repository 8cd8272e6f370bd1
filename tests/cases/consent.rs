//! Consent: unreadable values, complaints, bounces, flags, and withdrawals over several loads.

use crm_backfill::model::Source;

use crate::cases::dumps::{Dumps, column, offline, rows, steps, workdir};
use crate::support::postgres::database;

const AS_OF: &str = "2025-12-01T00:00:00Z";

/// Contact c1 with this email opted out by a link in 2024, contact c2 with ann@mail.test opted in since 2020.
fn two_contacts(email: &str) -> Dumps {
    let mut dumps = Dumps::default();
    dumps.contact("c1", &[("email", email)]).contact("c2", &[("email", "ann@mail.test"), ("email_opt_in", "true")]);
    dumps.change("l1", "c1", "EMAIL", "false", "UNSUBSCRIBE_LINK", "2024-05-01 10:00:00+00");
    dumps.preference("p2", "c2", "EMAIL", "true", "2020-05-01 10:00:00+00");
    dumps
}

fn review(workdir: &crate::support::workdir::Workdir) -> Vec<String> {
    let line = |row: &std::collections::BTreeMap<String, String>| {
        format!("{} {} {} {}", row["entity"], row["source_id"], row["column"], row["reason"])
    };
    rows(workdir, "check__manual_review").iter().map(line).collect()
}

/// Case 3.3: a withdrawal does not vanish with its contact point.
#[test]
fn a_withdrawal_with_an_unreadable_contact_point_holds_or_is_listed() {
    for email in ["ann@mail.test", "ann@mail.", "ann at mail dot test", "@", "ann@mail@test"] {
        let workdir = offline(&two_contacts(email), AS_OF);
        let is_read = column(&workdir, "stg_messaging__people", "email")[0] == "ann@mail.test";
        let flags = column(&workdir, "crm__customer_profiles", "email_opt_in");
        let listed = review(&workdir) == ["contacts c1 email CONTACT_POINT_UNREADABLE"];
        assert_eq!((flags.contains(&"true".to_owned()), listed), (!is_read, !is_read), "{email}");
    }
}

/// Cases 6.5, 9.1, 9.2: an unreadable consent is a withdrawal, an unreadable deletion a deletion; both are listed until decided.
#[test]
fn unreadable_consents_and_deletions_are_withdrawals_until_decided() {
    for word in ["neex", "ja?", "opt-out pls"] {
        let mut dumps = Dumps::default();
        dumps.contact("c1", &[("email", "ann@mail.test"), ("email_opt_in", "true")]);
        dumps.contact("c2", &[("email", "bob@mail.test"), ("email_opt_in", word)]);
        dumps.contact("c3", &[("email", "bob@mail.test")]);
        dumps.preference("p1", "c1", "EMAIL", word, "2024-05-01 10:00:00+00");
        dumps.preference("p3", "c3", "EMAIL", "true", "2024-05-01 10:00:00+00");
        let workdir = offline(&dumps, AS_OF);
        assert!(!column(&workdir, "crm__customer_profiles", "email_opt_in").contains(&"true".to_owned()), "{word}");
        let listed = ["contacts c2 email_opt_in CONSENT_UNREADABLE", "preferences p1 opted_in CONSENT_UNREADABLE"];
        assert_eq!(review(&workdir), listed, "{word}");
        let said = workdir.ok("consolidate", &["--json"]);
        assert_eq!(said.json()["result"]["counts"]["manual review"], 2, "{}", said.stdout);

        let decisions = "messaging,preferences,p1,opted_in,opted-in,,T. Ester,2025-12-01\n\
                         messaging,contacts,c2,email_opt_in,opted-in,,T. Ester,2025-12-01\n";
        std::fs::write(workdir.path().join("reviews.csv"), format!("source,entity,id,column,verdict,reason,who,at\n{decisions}"))
            .unwrap();
        steps(&workdir);
        assert!(review(&workdir).is_empty());
        assert!(!column(&workdir, "crm__customer_profiles", "email_opt_in").contains(&"false".to_owned()), "{word}");
    }
}

/// §12, rulings: a spam complaint withdraws, a hard bounce tags.
#[test]
fn a_complaint_withdraws_and_a_hard_bounce_tags() {
    let tags = |status: &str| {
        let mut dumps = Dumps::default();
        dumps.contact("c1", &[("email", "ann@mail.test"), ("email_opt_in", "true")]);
        dumps.preference("p1", "c1", "EMAIL", "true", "2024-05-01 10:00:00+00");
        dumps.message("m1", "c1", status, "2025-06-01 10:00:00+00");
        let workdir = offline(&dumps, AS_OF);
        let profile = rows(&workdir, "crm__customer_profiles").remove(0);
        let consent = rows(&workdir, "crm__marketing_consents").remove(0);
        (profile["email_opt_in"].clone(), consent["revoked_at"].clone(), profile["tags"].contains("email_bounced"))
    };
    for status in ["complained", "SPAM", "Spam-Complaint", "abuse"] {
        let (flag, revoked_at, is_tagged) = tags(status);
        assert!(flag == "false" && revoked_at.starts_with("2025-06-01") && !is_tagged, "{status}: {flag} {revoked_at}");
    }
    for (status, expected) in [("hard_bounce", true), ("Bounced", true), ("soft-bounce", false), ("delivered", false)] {
        assert_eq!(tags(status), ("true".to_owned(), String::new(), expected), "{status}");
    }
}

/// Case 12.7, through a CRM: an undated withdrawal is dated by the load that recorded it, and a later explicit action lifts it.
#[test]
fn an_undated_withdrawal_is_lifted_by_an_opt_in_after_its_load() {
    // A contact flag with and without a time of change, and an opt-out by preference without one.
    for (flag, updated_at, word) in
        [("false", "2024-01-01 00:00:00+00", "true"), ("false", "", "true"), ("true", "2024-01-01 00:00:00+00", "false")]
    {
        let crm = database(include_str!("../../schemas/crm.sql"));
        let mut dumps = Dumps::default();
        dumps.contact("c1", &[("email", "ann@mail.test"), ("email_opt_in", flag), ("updated_at", updated_at)]);
        let preference = [
            ("id", "p1"),
            ("contact_id", "c1"),
            ("channel", "EMAIL"),
            ("opted_in", word),
            ("created_at", "2023-05-01 10:00:00+00"),
        ];
        dumps.row(Source::Messaging, "preferences", &preference);
        let mut workdir = workdir(AS_OF);
        workdir.set("CRM_DATABASE_URL", &crm.url);
        let mut load = |dumps: &Dumps, as_of: &str| {
            workdir.set("AS_OF", as_of);
            dumps.renew(&workdir);
            workdir.ok("export-crm", &[]);
            steps(&workdir);
            workdir.ok("load", &["--yes"]);
            workdir.ok("verify", &[]);
            crm.value(r#"select "emailOptIn"::text from "CustomerProfile""#)
        };
        assert_eq!(load(&dumps, AS_OF), "false");
        assert_eq!(load(&dumps, "2025-12-20T00:00:00Z"), "false", "a second load lifts nothing");
        let recorded = crm.value("select min(lifted_after)::text from backfill.withdrawn");
        assert!(recorded.starts_with("2025-12-01"), "{recorded}");
        let mut early = dumps.clone();
        early.change("l0", "c1", "EMAIL", "true", "WEB_FORM", "2025-11-30 10:00:00+00");
        if updated_at.is_empty() || word == "false" {
            assert_eq!(load(&early, "2025-12-21T00:00:00Z"), "false", "an action before it proves nothing");
        }
        dumps.change("l1", "c1", "EMAIL", "true", "WEB_FORM", "2025-12-22 10:00:00+00");
        assert_eq!(load(&dumps, "2025-12-24T00:00:00Z"), "true", "{flag} {updated_at} {word}");
    }
}
