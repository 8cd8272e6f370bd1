//! Profiles merged in the CRM: the merge is kept, and what the datasets bring follows it.

use super::*;

/// Case 8.2: the datasets still hold both profiles, because the CRM was not exported since.
#[test]
fn a_merge_made_in_the_crm_is_kept_although_the_datasets_lack_it() {
    for also in [r#", "updatedBy" = 'lee'"#, "", r#", "updatedBy" = 'lee', "sclMemberId" = null, "teetimePlayerId" = null"#] {
        let crm = database(CRM);
        load(&crm, &of(everybody()), "run-1");
        let (anna, bea) = (id_of("anna"), id_of("bea"));
        merge(&crm, &bea, &anna, also);
        let merged = fingerprint(&crm);
        let report = load(&crm, &of(everybody()), "run-2");
        assert_eq!(fingerprint(&crm), merged, "{also}");
        assert!(left(&report, "MERGED_BY_OTHERS") > 3, "{:?}", report.left);

        // Later rows go to the surviving profile, including new rows.
        let mut people = everybody();
        people[1].bookings.push("booking-later".to_owned());
        people[1].email = Some("bea@elsewhere.test".to_owned());
        load(&crm, &of(people.clone()), "run-3");
        let holder = r#"select "customerId" from "Activity" where "sourceId" in ('booking-bea', 'booking-later')"#;
        assert_eq!(crm.rows(holder), [[anna.clone()], [anna.clone()]]);
        assert_eq!(standing(&crm, &bea)[..3], ["1", "0", "0"]);
        assert!(!load(&crm, &of(people), "run-4").changed, "a second load changes nothing");
    }
}

/// A booking that sync brought holds the key of one of the datasets: that one stays out, and no other row with it.
#[test]
fn new_rows_follow_a_merge_although_sync_brought_another_booking() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let (anna, bea) = (id_of("anna"), id_of("bea"));
    merge(&crm, &bea, &anna, r#", "updatedBy" = 'lee'"#);
    let columns = crm.value(
        r#"select string_agg(quote_ident(column_name), ', ') from information_schema.columns
           where table_name = 'Activity' and column_name not in ('id', 'sourceId')"#,
    );
    crm.execute(&format!(
        r#"insert into "Activity" ("id", "sourceId", {columns})
           select 'sync-1', 'booking-sync', {columns} from "Activity" where "sourceId" = 'booking-cleo'"#
    ));
    let mut people = everybody();
    people[1].bookings.push("booking-later".to_owned());
    people[2].bookings.push("booking-sync".to_owned());
    load(&crm, &of(people), "run-2");
    let holders =
        r#"select "sourceId", "customerId" from "Activity" where "sourceId" in ('booking-later', 'booking-sync') order by 1"#;
    assert_eq!(crm.rows(holders), [["booking-later".to_owned(), anna], ["booking-sync".to_owned(), id_of("cleo")]]);
}

/// Case 8.2: a merge of a merge, with children left where they were.
#[test]
fn a_chain_of_merges_ends_at_the_last_survivor() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let [anna, bea, cleo] = ["anna", "bea", "cleo"].map(id_of);
    for (gone, kept) in [(&cleo, &bea), (&bea, &anna)] {
        crm.execute(&format!(
            r#"update "CustomerProfile" set "status" = 'MERGED', "mergedIntoId" = '{kept}', "updatedBy" = 'lee' where "id" = '{gone}'"#
        ));
    }
    let mut people = everybody();
    people[2].bookings.push("booking-later".to_owned());
    load(&crm, &of(people.clone()), "run-2");
    let later = r#"select "customerId" from "Activity" where "sourceId" = 'booking-later'"#;
    assert_eq!(crm.value(later), anna);
    let states = crm.rows(r#"select "id", "mergedIntoId" from "CustomerProfile" where "status" = 'MERGED'"#);
    assert_eq!(states.len(), 2);
    // Resolution joins them: the datasets hold one person with the records of three.
    let mut all = person("anna");
    all.bookings =
        vec!["booking-anna".to_owned(), "booking-bea".to_owned(), "booking-cleo".to_owned(), "booking-later".to_owned()];
    let joined = of(std::iter::once(all).chain(everybody().into_iter().skip(3)).collect());
    load(&crm, &joined, "run-3");
    assert_eq!(crm.value(&format!(r#"select count(*) from "Activity" where "customerId" = '{anna}'"#)), "4");
    assert_eq!(crm.rows(r#"select "id", "mergedIntoId" from "CustomerProfile" where "status" = 'MERGED'"#), states);
    assert!(!load(&crm, &joined, "run-4").changed);
}

/// Case 8.2: our profile is merged into a foreign profile, which also takes over its ids.
#[test]
fn a_merge_into_a_foreign_profile_is_kept_and_new_rows_follow() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let bea = id_of("bea");
    crm.execute(
        r#"insert into "CustomerProfile" ("id", "tenantId", "email", "source", "firstSeenAt", "createdAt", "updatedAt")
           values ('p1', '1', 'walk-in@mail.test', 'app', '2020-01-01', '2020-01-01', '2020-01-01')"#,
    );
    merge(&crm, &bea, "p1", r#", "updatedBy" = 'lee', "sclMemberId" = null, "teetimePlayerId" = null"#);
    crm.execute(r#"update "CustomerProfile" set "sclMemberId" = 12, "teetimePlayerId" = 'player-12' where "id" = 'p1'"#);
    let theirs = r#"select to_jsonb(t)::text from "CustomerProfile" t where "id" = 'p1'"#;
    let before = crm.rows(theirs);
    let mut people = everybody();
    people[1].bookings.push("booking-later".to_owned());
    load(&crm, &of(people.clone()), "run-2");
    assert_eq!(crm.value(r#"select count(*) from "Activity" where "customerId" = 'p1'"#), "2");
    assert_eq!(crm.rows(theirs), before, "foreign profiles are never changed");
    assert!(!load(&crm, &of(people.clone()), "run-3").changed);
    // The same records under another profile id do not create a second profile.
    let mut renamed = people;
    renamed[1].name = "beatrix".to_owned();
    load(&crm, &of(renamed.clone()), "run-4");
    assert_eq!(standing(&crm, &id_of("beatrix")), NOTHING);
    assert_eq!(crm.rows(theirs), before);
    assert!(!load(&crm, &of(renamed), "run-5").changed);
}

/// Case 8.2: an application that moves all rows of a merged profile and then deletes it.
#[test]
fn a_merge_by_deletion_is_not_an_erasure() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let (anna, bea) = (id_of("anna"), id_of("bea"));
    crm.execute(&format!(
        r#"update "Activity" set "customerId" = '{anna}' where "customerId" = '{bea}';
           update "IdentityAlias" set "customerId" = '{anna}' where "customerId" = '{bea}';
           delete from "CustomerProfile" where "id" = '{bea}'"#
    ));
    let mut people = everybody();
    people[1].bookings.push("booking-later".to_owned());
    load(&crm, &of(people.clone()), "run-2");
    assert_eq!(standing(&crm, &anna)[..3], ["1", "4", "3"]);
    assert_eq!(standing(&crm, &bea), NOTHING);
    assert!(!load(&crm, &of(people), "run-3").changed);
    let pairs = crm.rows("select kind, gone_id, kept_id from backfill.decision");
    assert!(!pairs.is_empty() && pairs.iter().all(|pair| *pair == ["MERGED", &bea, &anna]), "{pairs:?}");
}

/// Case 8.2: of a merged pair the survivor vanished from the datasets, the other one did not.
#[test]
fn a_survivor_that_left_the_datasets_keeps_its_id() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let (anna, bea) = (id_of("anna"), id_of("bea"));
    merge(&crm, &anna, &bea, r#", "updatedBy" = 'lee'"#);
    let people: Vec<Person> = everybody().into_iter().filter(|person| person.name != "bea").collect();
    load(&crm, &of(people.clone()), "run-2");
    assert_eq!(standing(&crm, &bea)[..4], ["1", "2", "1", "1"]);
    assert_eq!(crm.value(&format!(r#"select "status"::text from "CustomerProfile" where "id" = '{bea}'"#)), "ACTIVE");
    assert!(!load(&crm, &of(people), "run-3").changed);
}

/// Case 8.2: a withdrawal of the merged profile also applies to the surviving one.
#[test]
fn a_withdrawal_of_a_merged_profile_holds_for_its_survivor() {
    for at_load in [true, false] {
        let crm = database(CRM);
        let mut people = everybody();
        if at_load {
            withdraw(&mut people[1], AS_OF);
        }
        load(&crm, &of(people.clone()), "run-1");
        merge(&crm, &id_of("bea"), &id_of("anna"), r#", "updatedBy" = 'lee'"#);
        if !at_load {
            withdraw(&mut people[1], AS_OF.plus_days(2));
        }
        load(&crm, &of(people.clone()), "run-2");
        assert_eq!(crm.value(&flag("anna")), "false", "{at_load}");
        assert!(!load(&crm, &of(people), "run-3").changed);
    }
}

/// A merge that the datasets do not heed yet, because the CRM was exported before: its records stay where it put them.
#[test]
fn a_record_stays_where_a_merge_since_the_export_put_it() {
    for is_heeded in [false, true] {
        let crm = database(CRM);
        load(&crm, &of(everybody()), "run-1");
        let [anna, bea, cleo] = ["anna", "bea", "cleo"].map(id_of);
        merge(&crm, &bea, &anna, r#", "updatedBy" = 'lee'"#);
        // Meanwhile resolution gave a record of bea to cleo.
        let mut people: Vec<Person> = everybody().into_iter().filter(|person| person.name != "bea").collect();
        people[1].teetime_player_id = Some("player-12".to_owned());
        people[1].handicap = Some(99);
        let merges: &[String] = if is_heeded { std::slice::from_ref(&bea) } else { &[] };
        let world = of(people);
        let again =
            |run_id: &str| loader(&crm).load(&Input { merges, ..input(&world, run_id) }, ALONE, false, &|_, _| {}).unwrap();
        let report = again("run-2");
        let holder = r#"select "customerId" from "IdentityAlias" where "value" = 'player-12'"#;
        let handicap = format!(r#"select "handicap"::text from "CustomerProfile" where "id" = '{cleo}'"#);
        if is_heeded {
            assert_eq!(left(&report, "RECORD_WITHHELD"), 0);
            assert!(crm.rows(holder).contains(&vec![cleo.clone()]), "the datasets know of the merge, and decided otherwise");
            assert_eq!(crm.value(&handicap), "9.9");
        } else {
            assert!(left(&report, "RECORD_WITHHELD") > 3, "{:?}", report.left);
            assert_eq!(crm.rows(holder), [[anna.clone()]]);
            assert_eq!(crm.value(&handicap), "1.3", "the profile waits for the next run");
        }
        assert!(!again("run-3").changed);
    }
}

/// Rows of a merged profile go to its survivor, whose metrics in the datasets do not count them.
#[test]
fn a_survivor_that_gets_activities_keeps_its_metrics() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let (anna, bea) = (id_of("anna"), id_of("bea"));
    crm.execute(&format!(
        r#"update "CustomerProfile" set "status" = 'MERGED', "mergedIntoId" = '{anna}', "updatedBy" = 'lee' where "id" = '{bea}';
           update "CustomerProfile" set "engagementScore" = 77"#
    ));
    let mut people = everybody();
    people[1].bookings.push("booking-later".to_owned());
    let report = load(&crm, &of(people.clone()), "run-2");
    let kept = r#"select "id" from "CustomerProfile" where "engagementScore" = 77 and "status" <> 'MERGED'"#;
    assert_eq!(crm.rows(kept), [[anna]]);
    assert!(left(&report, "OTHER_TIMELINE") > 0, "{:?}", report.left);
    assert!(!load(&crm, &of(people), "run-3").changed);
}

/// A withdrawal counts in the score of the datasets; verification cannot compute it again if the CRM does not have it.
#[test]
fn a_profile_whose_withdrawal_was_deleted_is_listed() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    crm.execute(&format!(r#"delete from "MarketingConsent" where "customerId" = '{}'"#, id_of("bea")));
    let mut people = everybody();
    withdraw(&mut people[1], AS_OF.plus_days(-1));
    people[2].handicap = Some(99);
    let report = load(&crm, &of(people), "run-2");
    assert_eq!(left(&report, "OTHER_CONSENTS"), 1, "{:?}", report.left);
    let listed = "select id from backfill.kept where reason = 'OTHER_CONSENTS'";
    assert_eq!(crm.rows(listed), [[id_of("bea")]]);
    assert_eq!(crm.value(&flag("bea")), "false");
}

/// An edited profile whose records now belong to another one must not stand beside it: a withdrawal would not reach it.
#[test]
fn an_edited_profile_without_records_is_merged_into_the_one_that_has_them() {
    let crm = database(CRM);
    load(&crm, &of(everybody()), "run-1");
    let [anna, bea, cleo] = ["anna", "bea", "cleo"].map(id_of);
    crm.execute(&format!(
        r#"update "CustomerProfile" set "firstName" = 'Beatrix', "updatedBy" = 'lee' where "id" in ('{bea}', '{cleo}')"#
    ));
    // Anna and bea are one person for the datasets; cleo left the sources.
    let mut people: Vec<Person> =
        everybody().into_iter().filter(|person| !["bea", "cleo"].contains(&person.name.as_str())).collect();
    people[0].teetime_player_id = Some("player-12".to_owned());
    people[0].bookings.push("booking-bea".to_owned());
    load(&crm, &of(people.clone()), "run-2");
    let of_profile =
        r#"select "id", "status"::text, coalesce("mergedIntoId", '-'), "firstName", "emailOptIn"::text from "CustomerProfile""#;
    let rows = crm.rows(&format!(r#"{of_profile} where "firstName" = 'Beatrix' order by "status" desc"#));
    let expected = [[&bea, "MERGED", &anna, "Beatrix", "false"], [&cleo, "ACTIVE", "-", "Beatrix", "true"]];
    assert_eq!(rows, expected);
    assert_eq!(standing(&crm, &anna)[..3], ["1", "2", "2"]);
    let report = load(&crm, &of(people), "run-3");
    assert!(!report.changed, "{report:?}");
}

/// A withdrawal that an agent entered on a profile holds for the profile that takes over its records.
#[test]
fn a_withdrawal_entered_by_an_agent_follows_the_records_of_its_profile() {
    for (row, edit) in [
        ("insert", r#", "updatedBy" = 'lee'"#),
        ("update", r#", "updatedBy" = 'lee'"#),
        ("insert", ""),
        ("update", ""),
        ("only insert", ""),
    ] {
        let crm = database(CRM);
        let mut before = everybody();
        if row != "update" {
            before[1].consents.clear();
        }
        load(&crm, &of(before), "run-1");
        let [anna, bea] = ["anna", "bea"].map(id_of);
        let opt_out = match row {
            "insert" | "only insert" => format!(
                r#"insert into "MarketingConsent" ("id", "tenantId", "customerId", "channel", "status", "revokedAt", "source", "updatedAt")
                   values ('agent-1', '1', '{bea}', 'EMAIL', 'OPTED_OUT', now(), 'AGENT', now())"#
            ),
            _ => format!(
                r#"update "MarketingConsent" set "status" = 'OPTED_OUT', "consentedAt" = null, "revokedAt" = now() where "customerId" = '{bea}'"#
            ),
        };
        let flag_off = format!(r#"update "CustomerProfile" set "emailOptIn" = false {edit} where "id" = '{bea}'"#);
        crm.execute(&if row == "only insert" { opt_out } else { format!("{opt_out}; {flag_off}") });
        let mut people: Vec<Person> = everybody().into_iter().filter(|person| person.name != "bea").collect();
        people[0].teetime_player_id = Some("player-12".to_owned());
        load(&crm, &of(people.clone()), "run-2");
        assert_eq!(crm.value(&flag("anna")), "false", "{row} {edit}");
        let opted_in = format!(
            r#"select count(*) from "MarketingConsent" where "customerId" = '{anna}' and "channel" = 'EMAIL' and "status" = 'OPTED_IN'"#
        );
        assert_eq!(crm.value(&opted_in), "0", "{row} {edit}");
        assert!(!load(&crm, &of(people), "run-3").changed, "{row} {edit}");
    }
}
