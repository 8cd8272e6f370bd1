//! Identity resolution of records outside the population that the weights were fitted on (cases 11 and 4.4).

use crm_backfill::model::{Gender, RecordIx, Source};
use crm_backfill::resolve::{Memory, ResolveOptions};

use crate::truth::{Raw, Truth};

const EMAIL: &str = "golfer77@mail.test";
const PHONE: &str = "0821234890";
const OTHER_PHONE: &str = "0835551207";
const BORN: &str = "1975-03-14";

fn member(id: &str, first: &str, last: &str) -> Raw {
    let text = str::to_owned;
    Raw { id: text(id), first: text(first), last: text(last), email: text(EMAIL), phone: text(PHONE), ..Raw::default() }
}

fn player(id: &str, first: &str, last: &str) -> Raw {
    Raw { source: Source::Teetime, ..member(id, first, last) }
}

fn contact(id: &str, email: &str, phone: &str) -> Raw {
    Raw { source: Source::Messaging, email: email.to_owned(), phone: phone.to_owned(), ..member(id, "", "") }
}

fn born(raw: Raw, born: &str) -> Raw {
    Raw { born: born.to_owned(), ..raw }
}

fn number(raw: Raw, number: &str) -> Raw {
    Raw { golf_rsa: number.to_owned(), ..raw }
}

/// The number of the profile of each record.
fn people(records: &[Raw]) -> Vec<RecordIx> {
    Truth::of(records, 100).resolve(&ResolveOptions::default(), Memory::default()).labels().to_vec()
}

fn are_one(records: &[Raw]) -> bool {
    people(records).windows(2).all(|pair| pair[0] == pair[1])
}

/// 11.1
#[test]
fn identifiers_are_compared_in_one_spelling() {
    for (a, b) in [
        ("GR-1808-928", "GR1808928"),
        ("002700212320", "2700212320"),
        ("27 0021 2320", "2700-21-2320"),
        ("gr-0047-11", "GR004711"),
    ] {
        assert!(are_one(&[number(member("1", "Naledi", "Mokoena"), a), number(player("p", "Naledi", "Mokoena"), b)]), "{a} {b}");
        // The number alone is enough, too.
        let apart = Raw { email: String::new(), phone: OTHER_PHONE.to_owned(), ..number(player("p", "Naledi", "Mokoena"), b) };
        assert!(are_one(&[number(member("1", "Naledi", "Mokoena"), a), apart]), "{a} {b}");
    }
    let two = [number(member("1", "Naledi", "Mokoena"), "GR-1808-928"), number(player("p", "Naledi", "Mokoena"), "GR-1909-827")];
    assert!(!are_one(&two));
}

/// 11.2
#[test]
fn evidence_belongs_to_the_record_that_carries_it() {
    for email in ["golfer77@mail.test", "john.smith@mail.test", "smithfamily@mail.test"] {
        let email = email.to_owned();
        let records = [
            Raw { email: email.clone(), ..number(member("1", "John", "Smith"), "2700112233") },
            Raw { email: email.clone(), phone: String::new(), ..number(player("p", "John", "Smith"), "2700998877") },
            contact("c", &email, PHONE),
        ];
        let found = people(&records);
        assert!(found[0] == found[2] && found[0] != found[1], "{email} {found:?}");
    }
}

/// 11.4, 11.5
#[test]
fn exchanged_names_nicknames_and_missing_parts_are_one_person() {
    for ((a_first, a_last), (b_first, b_last)) in [
        (("Pieter", "van der Merwe"), ("van der Merwe", "Pieter")),
        (("Anna Maria", "Botha"), ("Botha", "Anna Maria")),
        (("Luisa", "da Silva"), ("Da Silva", "Luisa")),
        (("Thomas", "Ravijee"), ("Ravijee", "Tom")),
        (("William", "Zandberg"), ("Zandberg", "Bill")),
        (("Perumal", ""), ("Rakesh", "Perumal")),
        (("Haasbroek", ""), ("Ilse", "Haasbroek")),
        (("", "Naledi"), ("Naledi", "Mokoena")),
    ] {
        let pair = [member("1", a_first, a_last), player("p", b_first, b_last)];
        assert!(are_one(&pair), "{a_first}/{a_last} {b_first}/{b_last}");
        assert!(are_one(&[member("1", b_first, b_last), player("p", a_first, a_last)]), "{b_first}/{b_last} {a_first}/{a_last}");
    }
    assert!(!are_one(&[member("1", "Thomas", "Ravijee"), player("p", "Ravijee", "Anil")]));
}

/// 11.6
#[test]
fn separators_in_a_local_part_distinguish_mailboxes() {
    let namesake = |id: &str, email: &str, phone: &str| Raw {
        email: email.to_owned(),
        phone: phone.to_owned(),
        ..player(id, "Johannes", "Quintrell")
    };
    for (a, b) in [("john_quintrell", "john.quintrell"), ("j-quintrell", "jquintrell"), ("johann.quintrell", "johannquintrell")] {
        let pair = [namesake("1", &format!("{a}@mail.test"), PHONE), namesake("2", &format!("{b}@mail.test"), OTHER_PHONE)];
        assert!(!are_one(&pair), "{a} {b}");
    }
    let slip = [namesake("1", "johnquintrell@mail.test", PHONE), namesake("2", "johnquintrel@mail.test", OTHER_PHONE)];
    assert!(are_one(&slip), "a letter less is a slip");
}

/// 11.7
#[test]
fn identical_duplicates_are_not_rivals() {
    for count in [3, 4, 5] {
        let mut records = vec![number(member("1", "Naledi", "Mokoena"), "2700112233")];
        records.extend((0..count).map(|at| contact(&format!("c{at}"), EMAIL, PHONE)));
        assert!(are_one(&records), "{count}");
    }
    let mut records = vec![member("1", "Naledi", "Mokoena")];
    records.extend([contact("c1", EMAIL, PHONE), contact("c2", EMAIL, OTHER_PHONE)]);
    assert!(!are_one(&records), "another number is another record");
}

/// 11.9
#[test]
fn an_equal_number_and_birth_date_outweigh_a_garbled_first_name() {
    for (a, b) in [("Barnabas", "Babh"), ("Wilhelmina", "Wlhlna"), ("Bartholomew", "Brtw")] {
        let apart = |raw: Raw, email: &str| born(Raw { email: email.to_owned(), phone: String::new(), ..raw }, BORN);
        let pair = |second: &str| {
            [
                number(apart(member("1", a, "Mokoena"), "one@mail.test"), "2700112233"),
                number(apart(member("2", b, "Mokoena"), "two@mail.test"), second),
            ]
        };
        assert!(are_one(&pair("2700112233")), "{a} {b}");
        let [first, second] = pair("2700112233");
        assert!(!are_one(&[first, born(second, "1981-11-02")]), "a relative's number: {a} {b}");
    }
}

/// 11.10
#[test]
fn the_first_of_january_is_a_date_of_its_year() {
    let pair = |a: &str, b: &str| {
        let one = |id: &str, date: &str| number(born(member(id, "Naledi", "Mokoena"), date), "2700112233");
        [one("1", a), one("2", b)]
    };
    for (a, b) in [("1977-06-29", "1977-01-01"), ("1960-01-01", "1960-12-31"), ("1988-02-29", "1988-01-01")] {
        assert!(are_one(&pair(a, b)), "{a} {b}");
        let [first, second] = pair(a, b);
        let without = |raw: Raw| Raw { golf_rsa: String::new(), ..raw };
        assert!(are_one(&[without(first), without(second)]), "by email, phone and name: {a} {b}");
    }
    let [first, second] = pair("1977-06-29", "1979-01-01");
    let without = |raw: Raw| Raw { golf_rsa: String::new(), ..raw };
    assert!(!are_one(&[without(first), without(second)]), "father and son");
}

/// 11.11
#[test]
fn one_word_of_a_compound_name_is_not_an_equal_name() {
    for (a, b) in [("Abdul Aziz", "Abdul Karim"), ("Anna Maria", "Anna Sophia"), ("Muhammad Ali", "Muhammad Yusuf")] {
        assert!(!are_one(&[member("1", a, "Mokoena"), player("p", b, "Mokoena")]), "{a} {b}");
    }
}

/// 11.11
#[test]
fn near_names_of_other_gender_or_of_twins_are_two_people() {
    for (a, b) in [("Alexandra", "Alexander"), ("Danielle", "Daniel"), ("Gabriella", "Gabriel"), ("Quirina", "Quirino")] {
        let of = |raw: Raw, gender| Raw { gender, ..raw };
        assert!(!are_one(&[of(member("1", a, "Roe"), Gender::Female), of(member("2", b, "Roe"), Gender::Male)]), "{a} {b}");
    }
    for (a, b) in [("Anna", "Hanna"), ("Jack", "Zack"), ("Ben", "Ken"), ("Emma", "Gemma"), ("Jason", "Mason")] {
        assert!(!are_one(&[born(member("1", a, "Roe"), BORN), born(member("2", b, "Roe"), BORN)]), "{a} {b}");
    }
}

/// 11.12
#[test]
fn nicknames_transliterations_and_initials_are_forms_of_one_name() {
    for (a, b) in [
        ("PJ", "Petrus Johannes"),
        ("J.P.", "Johannes Petrus"),
        ("AJ", "Anna Jane"),
        ("Lenie", "Magdalena"),
        ("Dafydd", "David"),
        ("Raj", "Rajendran"),
        ("Hsiao-Ling", "Xiaoling"),
        ("Hsueh-Chin", "Xueqin"),
        ("Eoghan", "Owen"),
        ("Yusuf", "Youssouf"),
        ("KirstyMegan", "Kirsty Megan"),
        ("KirstyMegan", "Kirsty"),
        ("Sergei", "Sergey"),
    ] {
        assert!(are_one(&[member("1", a, "Mokoena"), player("p", b, "Mokoena")]), "{a} {b}");
    }
}

/// A record that only its names and birth date can link.
fn keyless(id: &str, first: &str, last: &str, date: &str) -> Raw {
    Raw { email: String::new(), phone: String::new(), ..born(member(id, first, last), date) }
}

#[test]
fn without_contact_points_mistyped_names_and_dates_are_one_person() {
    for ((a_first, a_last, a_born), (b_first, b_last, b_born)) in [
        (("Naledi", "Quibellmore", "1975-03-14"), ("Naledi", "Quibellmore", "1975-03-24")),
        (("Naledi", "Quibellmore", "1975-03-14"), ("Naledi", "Quibellmore", "1957-03-14")),
        (("Naledi", "Quibellmore", "1994-07-24"), ("Naledi", "Quibellmore", "1994-24-07")),
        (("Naledi", "Quibellmore", "1975-03-14"), ("Naldei", "Quibelmore", "1975-03-14")),
    ] {
        let pair = [keyless("1", a_first, a_last, a_born), keyless("2", b_first, b_last, b_born)];
        assert!(are_one(&pair), "{a_first} {a_last} {a_born} / {b_first} {b_last} {b_born}");
    }
    for ((a_first, a_born), (b_first, b_born)) in [
        (("Naledi", "1975-03-14"), ("Naledi", "1951-11-02")),
        (("Naledi", "1975-03-14"), ("Thabo", "1975-03-14")),
        (("Naledi", "1994-24-07"), ("Naledi", "1994-24-07")),
    ] {
        let pair = [keyless("1", a_first, "Botha", a_born), keyless("2", b_first, "Botha", b_born)];
        assert!(!are_one(&pair), "{a_first} {a_born} / {b_first} {b_born}");
    }
}

#[test]
fn a_rare_full_name_links_only_records_that_have_nothing_else() {
    let crowd = (0..5_000).map(|n| keyless(&format!("c{n}"), "John", &format!("Smith{}", n / 50), ""));
    let crowd: Vec<Raw> = crowd.collect();
    let are_linked = |a: Raw, b: Raw| {
        let found = people(&[vec![a, b], crowd.clone()].concat());
        found[0] == found[1]
    };
    let rare = |id: &str, date: &str| keyless(id, "Naledi", "Quibellmore", date);
    assert!(are_linked(rare("1", "1975-03-14"), rare("2", "")));
    assert!(!are_linked(rare("1", "1975-03-14"), rare("2", "1981-11-02")), "mother and daughter");
    let reached = Raw { email: EMAIL.to_owned(), ..rare("2", "") };
    assert!(!are_linked(rare("1", "1975-03-14"), reached), "a record with an email can be linked by it");
    let common = |id: &str, date: &str| keyless(id, "John", "Smith7", date);
    assert!(!are_linked(common("1", "1975-03-14"), common("2", "")), "namesakes");
}

#[test]
fn a_mistyped_number_outweighs_another_given_name_but_the_next_does_not() {
    let twins =
        |a: &str, b: &str| [number(keyless("1", "Harriet", "Botha", BORN), a), number(keyless("2", "Willem", "Botha", BORN), b)];
    assert!(are_one(&twins("2700112233", "2700112323")));
    assert!(are_one(&twins("2700112233", "2700512233")));
    assert!(!are_one(&twins("2700112233", "2700112234")));
    assert!(!are_one(&twins("2700112233", "2700998877")));
}

#[test]
fn an_equal_number_and_given_name_outweigh_another_date_and_family_name() {
    let pair = |first: &str| {
        [
            number(keyless("1", "Kirra", "Gaskin", "1990-11-11"), "2700112233"),
            number(keyless("2", first, "Stubbs", "1909-11-21"), "2700112233"),
        ]
    };
    assert!(are_one(&pair("Kirra")));
    assert!(!are_one(&pair("Sanele")));
}

#[test]
fn a_misspelled_name_and_its_birth_date_outweigh_another_number() {
    let pair = |last: &str| {
        [
            number(keyless("1", "Rourke", "Quibellmore", BORN), "2700112233"),
            number(keyless("2", "Rourke", last, BORN), "2700998877"),
        ]
    };
    assert!(are_one(&pair("Quibelmore")));
    assert!(!are_one(&pair("Botha")));
}

/// 11.13: a key that the product cannot read still counts as reachable by the truth's keys.
#[test]
fn the_truths_own_keys_decide_what_is_reachable() {
    let lone = |raw: Raw, number: &str, email: &str| Raw {
        golf_rsa: number.to_owned(),
        email: email.to_owned(),
        phone: String::new(),
        person: 7,
        household: 7,
        ..raw
    };
    for (a, b) in [("27/0011/2233", "2700112233"), ("27.0011.2233", "27 0011 2233"), ("#2700112233", "002700112233")] {
        let records = [lone(member("1", "Naledi", "Mokoena"), a, "a@mail.test"), lone(player("p", "N", ""), b, "b@mail.test")];
        let truth = Truth::of(&records, 100);
        assert_eq!(truth.recall_of_reachable(&[0, 1].map(RecordIx)), 0.0, "{a} {b}");
        assert_eq!(truth.recall_of_reachable(&[0, 0].map(RecordIx)), 1.0, "{a} {b}");
    }
    let records = [lone(member("1", "A", ""), "1111", "a@mail.test"), lone(player("p", "N", ""), "2222", "b@mail.test")];
    assert_eq!(Truth::of(&records, 100).recall_of_reachable(&[0, 0].map(RecordIx)), 0.0, "nothing is reachable");
}

/// 4.4
#[test]
fn differing_generation_suffixes_are_two_people() {
    for (a, b) in
        [("Lee Snr", "Lee Jnr"), ("Lee Sr.", "Lee, Jr"), ("van der Merwe Senior", "van der Merwe Junior"), ("Lee II", "Lee III")]
    {
        assert!(!are_one(&[member("1", "John", a), player("p", "John", b)]), "{a} {b}");
    }
    for (a, b) in [("Lee Snr", "Lee"), ("Lee Jnr", "Lee Jr"), ("Lee", "Lee II")] {
        assert!(are_one(&[member("1", "John", a), player("p", "John", b)]), "{a} {b}");
    }
}
