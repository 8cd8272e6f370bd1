//! Each linking rule and each constraint, with records that show it, and adoption of records without a tenant.

use crm_backfill::model::{LinkRule, RecordKey, Source, profile_id};
use crm_backfill::resolve::{Memory, Resolution, ResolveOptions};
use crm_backfill::tables::Table as _;
use crm_backfill::tables::resolution::{candidates, links};

use super::{MOBILE, OTHER, contact, member, people, player, resolved, with};
use crate::truth::{Raw, Truth};

/// Rule of every record that is linked to another.
fn rules(resolution: &Resolution) -> Vec<LinkRule> {
    let batches: Vec<_> = resolution.links().collect();
    let all = batches.iter().flat_map(|batch| {
        let columns = links::Table::columns(batch).unwrap();
        columns.rows().filter(|row| row.matched_source.is_some()).map(|row| row.rule).collect::<Vec<_>>()
    });
    all.collect()
}

/// Ids and constraint violation of every candidate.
fn refusals(resolution: &Resolution) -> Vec<(String, String, String)> {
    let batches: Vec<_> = resolution.candidates().collect();
    let all = batches.iter().flat_map(|batch| {
        let columns = candidates::Table::columns(batch).unwrap();
        let of = |row: candidates::Row<'_>| (row.a_source_id.to_owned(), row.b_source_id.to_owned(), row.refusal.to_owned());
        columns.rows().map(of).collect::<Vec<_>>()
    });
    all.collect()
}

fn refused(a: &str, b: &str, why: &str) -> (String, String, String) {
    (a.to_owned(), b.to_owned(), why.to_owned())
}

#[test]
fn every_key_links_two_records_that_share_nothing_else() {
    let number = || "2700112233".to_owned();
    let one = |id: &str| member(id, "Naledi", "Mokoena", "");
    let plays = |id: &str| player(id, "Naledi", "Mokoena", "", "");
    let scl = |id: &str| Raw { source: Source::Scl, auth: "auth0|0123456789abcdef".to_owned(), ..one(id) };
    let pairs = [
        (LinkRule::AuthUserId, scl("1"), Raw { auth: scl("1").auth, ..contact("c", "n@mail.test", "") }),
        (
            LinkRule::GolfRsaId,
            Raw { golf_rsa: number(), ..with(one("1"), "n@mail.test", "") },
            Raw { golf_rsa: number(), ..plays("p") },
        ),
        (LinkRule::CdhId, Raw { cdh: "1012345671".to_owned(), ..one("1") }, Raw { cdh: "1012345671".to_owned(), ..plays("p") }),
        (LinkRule::McaId, with(one("1"), "n@mail.test", ""), Raw { mca: "1".to_owned(), ..plays("p") }),
        (LinkRule::EmailPhone, with(one("1"), "n@mail.test", MOBILE), with(plays("p"), "n@mail.test", MOBILE)),
        (LinkRule::Email, with(one("1"), "n@mail.test", MOBILE), with(plays("p"), "n@mail.test", OTHER)),
        (LinkRule::Phone, with(one("1"), "n@mail.test", MOBILE), with(plays("p"), "m@mail.test", MOBILE)),
        (
            LinkRule::NameDob,
            with(member("1", "Naledi", "Mokoena", "1970-05-04"), "n@mail.test", ""),
            with(member("2", "Naledi", "Mokoena", "1970-05-04"), "m@mail.test", ""),
        ),
        (LinkRule::NearEmail, with(one("1"), "naledimok@mail.test", ""), with(plays("p"), "naledimk@mail.test", "")),
        (LinkRule::NearPhone, with(one("1"), "", "0821234890"), with(plays("p"), "", "0821234809")),
    ];
    for (rule, a, b) in pairs {
        let resolution = resolved(&[a, b]);
        assert_eq!(rules(&resolution), [rule], "{:?}", refusals(&resolution));
    }
}

#[test]
fn a_record_without_a_name_that_fits_two_people_goes_to_neither() {
    let records = [
        with(member("1", "Peter", "Botha", "1960-05-04"), "peter.botha@mail.test", ""),
        player("p", "Anna", "Venter", "", MOBILE),
        contact("c", "peter.botha@mail.test", MOBILE),
    ];
    // Clear: the email has his name, the phone is only hers.
    assert_eq!(people(&resolved(&records)), [vec!["1", "c"], vec!["p"]]);
    let records = [
        with(member("1", "Peter", "Botha", "1960-05-04"), "golfer77@mail.test", ""),
        Raw { golf_rsa: "2700112233".to_owned(), ..player("p", "Anna", "Venter", "", MOBILE) },
        contact("c", "golfer77@mail.test", MOBILE),
    ];
    let resolution = resolved(&records);
    assert_eq!(people(&resolution).len(), 3);
    let mut listed = refusals(&resolution);
    listed.sort();
    assert_eq!(listed, [refused("1", "c", "AMBIGUOUS"), refused("p", "c", "AMBIGUOUS")]);
}

#[test]
fn a_record_without_a_tenant_joins_the_clearly_better_tenant() {
    let za = |phone: &str| with(member("1", "Naledi", "Mokoena", ""), "naledi.m@mail.test", phone);
    let uk = Raw { source: Source::McaUk, id: "2".to_owned(), tenant: Some("2".to_owned()), ..za("") };
    // The phone has its country code: without a tenant a national one would not be a key.
    let free = Raw { tenant: None, ..player("p", "Naledi", "Mokoena", "naledi.m@mail.test", "") };
    let resolution = resolved(&[za(""), uk.clone(), free.clone()]);
    assert_eq!(people(&resolution).len(), 3);
    let ambiguous = refusals(&resolution).into_iter().filter(|(_, _, why)| why == "TENANT_AMBIGUOUS").count();
    assert_eq!(ambiguous, 2, "{:?}", refusals(&resolution));
    let number = Raw { golf_rsa: "2700112233".to_owned(), ..za("") };
    let resolution = resolved(&[number, uk.clone(), Raw { golf_rsa: "2700112233".to_owned(), ..free.clone() }]);
    assert_eq!(people(&resolution), [vec!["1", "p"], vec!["2"]]);
    // The strategy's literal reading: records without a tenant are not adopted, and `default` is an ordinary tenant.
    let options = ResolveOptions { adopt_tenantless: false, ..ResolveOptions::default() };
    let literal = Truth::of(&[za(""), free], 100).resolve(&options, Memory::default());
    assert_eq!(people(&literal).len(), 2);
}

#[test]
fn conflicts_at_two_ends_of_a_chain_count_for_the_whole_cluster() {
    let shared = |raw: Raw| with(raw, "smith@mail.test", "");
    let number = |raw: Raw, number: &str| Raw { golf_rsa: number.to_owned(), ..raw };
    let apart = |records: &[Raw], why: &str| {
        let resolution = resolved(records);
        assert_ne!(resolution.labels()[0], resolution.labels()[1], "{why}");
        assert_eq!(people(&resolution).len(), 2, "the third goes with one of the two");
        assert!(refusals(&resolution).iter().any(|(.., found)| found == why), "{:?}", refusals(&resolution));
    };
    let player = || player("p", "John", "Smith", "smith@mail.test", "");
    let john = |id: &str, born: &str| shared(member(id, "John", "Smith", born));
    apart(&[number(john("1", ""), "2700112233"), number(john("2", ""), "2700998877"), player()], "GOLF_RSA_ID_CONFLICT");
    apart(&[john("1", "1951-01-20"), john("2", "1984-11-02"), player()], "BIRTH_DATE_CONFLICT");
    let jane = shared(member("2", "Jane", "Smith", ""));
    let initial = number(shared(super::player("p", "J", "Smith", "", MOBILE)), "2700112233");
    apart(
        &[number(with(john("1", ""), "smith@mail.test", MOBILE), "2700112233"), number(jane, "2700112233"), initial],
        "FIRST_NAME_CONFLICT",
    );
}

#[test]
fn two_people_with_one_association_number_rank_high_in_the_queue() {
    let number = |raw: Raw| Raw { golf_rsa: "2700112233".to_owned(), ..raw };
    let records = [
        number(with(member("1", "Peter", "Botha", "1951-01-20"), "peter@mail.test", "")),
        number(with(member("2", "Anna", "Venter", "1984-11-02"), "anna@mail.test", "")),
    ];
    let resolution = resolved(&records);
    assert_eq!(people(&resolution).len(), 2);
    let batch = resolution.candidates().next().unwrap();
    let columns = candidates::Table::columns(&batch).unwrap();
    let row = columns.row(0);
    assert!(row.bits16 < 0 && row.score == 30 && row.is_filed, "{} bits, score {}", row.bits16 / 16, row.score);
}

#[test]
fn a_typing_error_does_not_link_clusters_that_do_not_fit() {
    let scl = |id: &str, last: &str, auth: &str, phone: &str| Raw {
        source: Source::Scl,
        auth: auth.to_owned(),
        ..with(member(id, "Mary", last, ""), "", phone)
    };
    let (x, y) = ("auth0|0123456789abcdef", "auth0|fedcba9876543210");
    let slip = [scl("1", "Smith", x, "0821234890"), scl("2", "Smith", y, "0821234809")];
    assert_eq!(rules(&resolved(&slip)), [LinkRule::NearPhone]);
    let [a, b] = slip;
    let groups = [a, b, scl("3", "Jones", x, ""), scl("4", "Jones", x, ""), scl("5", "Brown", y, ""), scl("6", "Brown", y, "")];
    let resolution = resolved(&groups);
    assert_eq!(people(&resolution), [vec!["1", "3", "4"], vec!["2", "5", "6"]]);
    assert!(refusals(&resolution).contains(&refused("1", "2", "WEAK_OVERALL")), "{:?}", refusals(&resolution));
}

#[test]
fn inside_a_hub_a_full_name_links_with_other_evidence_and_never_alone() {
    let of_office = |raw: Raw| with(raw, "club@club-a.test", "");
    let crowd = ["Peter", "Anna", "Thabo", "Lindiwe", "Craig", "Sarah"];
    let crowd = crowd.iter().enumerate().map(|(n, first)| of_office(member(&n.to_string(), first, "Botha", "")));
    let crowd: Vec<Raw> = crowd.collect();
    let of = |twice: [Raw; 2]| {
        let records: Vec<Raw> = crowd.iter().cloned().chain(twice).collect();
        let resolution = resolved(&records);
        assert_eq!(resolution.hubs_of("club@club-a.test").len(), 1);
        people(&resolution).len()
    };
    let naledi = |id: &str, phone: &str| with(player(id, "Naledi", "Botha", "", ""), "club@club-a.test", phone);
    assert_eq!(of([naledi("x", ""), naledi("y", "")]), 8, "one name at one reception may be two people");
    assert_eq!(of([naledi("x", MOBILE), naledi("y", MOBILE)]), 7);
}

#[test]
fn an_email_of_many_records_without_a_name_is_a_hub_too() {
    let crowd = (0..14).map(|n| contact(&format!("c{n}"), "kring7@club-a.test", ""));
    let named = ["p", "q"].map(|id| player(id, "Naledi", "Mokoena", "kring7@club-a.test", ""));
    let resolution = resolved(&crowd.chain(named).collect::<Vec<_>>());
    let hubs: Vec<_> = resolution.hubs_of("kring7@club-a.test").into_iter().map(|hub| (hub.records, hub.why)).collect();
    assert_eq!(hubs, [(16, "many records without a name")]);
    assert_eq!(people(&resolution).len(), 16, "one name on a mailing list's address may be two people");
}

#[test]
fn records_with_an_over_shared_email_are_compared_by_their_phone() {
    let mail = "smith@mail.test";
    let of = |first: &'static str| move |n: u32| player(&format!("{first}{n}"), first, "Smith", mail, "");
    let mut records: Vec<Raw> = (1..8).map(of("William")).chain((1..8).map(of("Bill"))).collect();
    records.extend(["Mary", "Karen", "Zodwa"].map(|first| of(first)(1)));
    let apart = people(&resolved(&records)).len();
    for id in ["William7", "Bill7"] {
        let record = records.iter_mut().find(|record| record.id == id).unwrap();
        record.phone = MOBILE.to_owned();
    }
    assert_eq!((apart, people(&resolved(&records)).len()), (5, 4), "four on one email: a form of the name alone does not link");
}

#[test]
fn an_id_survives_a_seed_record_that_is_no_longer_exported() {
    let founder = with(member("1", "Naledi", "Mokoena", ""), "naledi.m@mail.test", "");
    let follower = player("p", "Naledi", "Mokoena", "naledi.m@mail.test", "");
    let ids = |records: &[Raw], loaded: &[(String, String)]| -> Vec<String> {
        let now = Truth::of(records, 100)
            .resolve(&ResolveOptions::default(), Memory { decisions: &[], profile_ids: loaded, ..Memory::default() });
        now.population.records().filter_map(|record| now.profile_id(record)).collect()
    };
    let key = RecordKey { source: Source::McaZa, id: "1" };
    let (first, second) = (profile_id(key, 1).to_string(), profile_id(key, 2).to_string());
    assert_eq!(ids(&[founder.clone(), follower.clone()], &[]), [first.clone(), first.clone()]);
    let loaded = [(key.to_string(), first.clone()), ("teetime:players:p".to_owned(), first.clone())];
    assert_eq!(ids(std::slice::from_ref(&follower), &loaded), std::slice::from_ref(&first));
    // The number comes back as somebody else's while the follower still has the id.
    let reused = with(member("1", "Thabo", "Nkosi", ""), "thabo@mail.test", "");
    assert_eq!(ids(&[reused, follower], &loaded[1..]), [second, first]);
}

#[test]
fn a_shared_full_name_is_for_review_only_if_it_is_rare() {
    let crowd = (0..40_000).map(|n| player(&format!("p{n}"), "John", "Smith", "", ""));
    let of = |id: &str, last: &str, email: &str| with(member(id, "Naledi", last, ""), email, "");
    let rare = [of("1", "Quibellmore", "nale.q@mail.test"), player("a", "Naledi", "Quibellmore", "other@post.test", "")];
    let records: Vec<Raw> = rare.into_iter().chain(crowd).collect();
    let resolution = resolved(&records);
    assert_ne!(resolution.labels()[0], resolution.labels()[1]);
    let found: Vec<_> = resolution.candidates().collect();
    let rows: usize = found.iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(rows, 1, "the two of the rare name, and no two Smiths");
}
