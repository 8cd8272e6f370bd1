//! Names, contact points and numbers of people as staging reads them (§3, §4, §11, §12).

use crm_backfill::model::Source;
use crm_backfill::tables::stage::{identifiers, people};

use super::bench::{Bench, rejected, shown};

/// 3.1, 3.2
#[test]
fn no_part_of_an_invalid_email_is_used() {
    let bench = Bench::new();
    let cells = ["john smith@gmail.com", "lee,ann@mail.test", "mailto:john smith@gmail.com", "ann@mail;x bob@mail.test"];
    let ids = ["1", "2", "3", "4"];
    let rows: Vec<[&str; 2]> = ids.into_iter().zip(cells).map(|(id, email)| [id, email]).collect();
    let rows: Vec<&[&str]> = rows.iter().map(|row| row.as_slice()).collect();
    bench.rows(Source::Scl, "members", &["id", "email"], &rows);
    bench.rows(Source::Messaging, "contacts", &["id", "email"], &rows);
    let folder = bench.stage();
    for source in [Source::Scl, Source::Messaging] {
        let emails = shown::<people::Table>(&folder, source, |row| format!("{:?} {:?}", row.email, row.email_key));
        assert_eq!(emails, ["None None"; 4], "{source}");
        assert_eq!(shown::<identifiers::Table>(&folder, source, |row| row.value.to_owned()), [] as [String; 0]);
    }
    assert_eq!(rejected(&folder).iter().filter(|line| line.ends_with("EMAIL_INVALID")).count(), 8);
}

/// 3.3, 3.4
#[test]
fn an_email_in_any_notation_has_the_key_of_its_mailbox() {
    let bench = Bench::new();
    let cells = [
        "ann@mail.test#mailto:ann@mail.test#",
        "mailto:ann@mail.test?subject=stop",
        "E-mail: ann@mail.test",
        "<a href=\"mailto:ann@mail.test\">Ann</a>",
        "\"ann\"@mail.test",
        "Ann@Mail.test",
    ];
    let ids = ["1", "2", "3", "4", "5", "6"];
    let rows: Vec<[&str; 2]> = ids.into_iter().zip(cells).map(|(id, email)| [id, email]).collect();
    let rows: Vec<&[&str]> = rows.iter().map(|row| row.as_slice()).collect();
    bench.rows(Source::Messaging, "contacts", &["id", "email"], &rows);
    let other =
        [["1", "ann@müller.test"], ["2", "ann@xn--mller-kva.test"], ["3", "o’brien@mail.test"], ["4", "o'brien@mail.test"]];
    bench.rows(Source::Teetime, "players", &["id", "email"], &other.each_ref().map(|row| row.as_slice()));
    let folder = bench.stage();
    let keys = |source| shown::<people::Table>(&folder, source, |row| row.email_key.unwrap_or_default().to_owned());
    assert_eq!(keys(Source::Messaging), ["ann@mail.test"; 6]);
    let keys = keys(Source::Teetime);
    assert!(keys[0] == keys[1] && keys[2] == keys[3] && keys[0] != keys[2], "{keys:?}");
}

/// 3.5, 3.6, 3.7, 11.3, 12.1, 12.5, 12.6, 12.9
#[test]
fn telephone_numbers_are_read_by_notation_and_region() {
    let bench = Bench::new();
    let numbers = |cells: &[(&'static str, &str)]| -> Vec<[String; 2]> {
        cells.iter().enumerate().map(|(index, (raw, _))| [(index + 1).to_string(), (*raw).to_owned()]).collect()
    };
    let za = [
        ("082 1234", "- -"),
        ("082 12345", "- -"),
        ("079 555 12345", "+447955512345 -"),
        ("0821234567 0831234567", "+27821234567 +27821234567"),
        ("(073) 956-4316.0", "+27739564316 +27739564316"),
        ("+27 79 986 5145.0", "+27799865145 +27799865145"),
        ("0817391O53", "- -"),
        ("0012127242035", "+12127242035 +12127242035"),
    ];
    let uk =
        [("07911 12345", "+27791112345 -"), ("07911 123456", "+447911123456 +447911123456"), ("082 555 1234", "+27825551234 -")];
    let tenantless = [
        ("07950087349", "+447950087349 +447950087349"),
        ("076/5887985", "+27765887985 +27765887985"),
        ("0800 123 456", "- -"),
        ("0012127242035", "+12127242035 +12127242035"),
    ];
    let write = |source, entity, columns: [&str; 2], cells: &[(&'static str, &str)]| {
        let rows = numbers(cells);
        let rows: Vec<[&str; 2]> = rows.iter().map(|row| [row[0].as_str(), row[1].as_str()]).collect();
        let rows: Vec<&[&str]> = rows.iter().map(|row| row.as_slice()).collect();
        bench.rows(source, entity, &columns, &rows);
    };
    write(Source::McaZa, "members", ["mca_za_id", "phone_number"], &za);
    write(Source::McaUk, "members", ["mca_uk_id", "phone_number"], &uk);
    write(Source::Teetime, "players", ["id", "phone"], &tenantless);
    let folder = bench.stage();
    for (source, cells) in [(Source::McaZa, &za[..]), (Source::McaUk, &uk[..]), (Source::Teetime, &tenantless[..])] {
        let read = shown::<people::Table>(&folder, source, |row| {
            format!("{} {}", row.phone.unwrap_or("-"), row.phone_key.unwrap_or("-"))
        });
        let expected: Vec<_> = cells.iter().map(|(_, expected)| (*expected).to_owned()).collect();
        assert_eq!(read, expected, "{source}");
    }
    let further = shown::<identifiers::Table>(&folder, Source::McaZa, |row| format!("{} {}", row.source_id, row.value));
    assert_eq!(further, ["4 +27831234567"]);
}

/// 4.1, 4.4, 4.5, 11.8, 12.12
#[test]
fn names_are_what_people_are_called() {
    let bench = Bench::new();
    let rows: [&[&str]; 9] = [
        &["1", "Mr & Mrs", "Roe", ""],
        &["2", "Mr", "Lee", ""],
        &["3", "John", "Lee Snr", "m"],
        &["4", "John", "Lee Jnr", "m"],
        &["5", "Se&aacute;n", "O&#039;Brien", ""],
        &["6", "null", "null", ""],
        &["7", "XXX", "XXX", ""],
        &["8", "Online", "Booking", ""],
        &["9", "=A2&\" \"&B2", "#REF!", ""],
    ];
    bench.rows(Source::McaZa, "members", &["mca_za_id", "first_name", "last_name", "gender"], &rows);
    bench.rows(Source::Scl, "members", &["id", "first_name", "last_name"], &[&["1", "Mrs Ann", "Lee"]]);
    let folder = bench.stage();
    let names = shown::<people::Table>(&folder, Source::McaZa, |row| {
        let suffix = row.name_suffix.map_or(String::new(), |suffix| format!(" ({suffix})"));
        format!("{} {}{suffix} {}", row.first_name.unwrap_or("-"), row.last_name.unwrap_or("-"), row.gender)
    });
    let expected = [
        "- Roe UNKNOWN",
        "- Lee MALE",
        "John Lee Snr (SNR) MALE",
        "John Lee Jnr (JNR) MALE",
        "Seán O'Brien UNKNOWN",
        "- - UNKNOWN",
        "- - UNKNOWN",
        "- - UNKNOWN",
        "- - UNKNOWN",
    ];
    assert_eq!(names, expected);
    let keys = shown::<people::Table>(&folder, Source::McaZa, |row| row.last_key.unwrap_or("-").to_owned());
    assert_eq!(&keys[2..4], ["lee", "lee"], "the suffix is not part of the key");
    let other = shown::<people::Table>(&folder, Source::Scl, |row| format!("{} {}", row.first_name.unwrap(), row.gender));
    assert_eq!(other, ["Ann UNKNOWN"], "a title decides in MCA only");
}

/// 12.10, 12.11, 12.14
#[test]
fn words_are_not_numbers_and_the_limit_of_age_is_a_day() {
    let bench = Bench::new();
    bench.rows(
        Source::McaZa,
        "members",
        &["mca_za_id", "golf_rsa_id", "date_of_birth"],
        &[
            &["1", "PENDING", "1920-12-01"],
            &["2", "applied", "1920-11-30"],
            &["3", "GR-1808-928", "1920-12-02"],
            &["4", "n/a", "2025-12-02"],
        ],
    );
    bench.rows(
        Source::Teetime,
        "player_associations",
        &["id", "player_id", "association_id", "association_type", "external_id"],
        &[&["1", "p", "a", "NEDBANK_GREENTIME", "ned-1"], &["2", "p", "b", "MOON_GOLF", "Moon-2a"]],
    );
    let folder = bench.stage();
    let read = shown::<people::Table>(&folder, Source::McaZa, |row| {
        format!("{} {}", row.golf_rsa_id.unwrap_or("-"), row.born_on.map_or("-".to_owned(), |day| day.to_string()))
    });
    assert_eq!(read, ["- 1920-12-01", "- -", "GR-1808-928 1920-12-02", "- -"], "as of 2025-12-01");
    let values = shown::<identifiers::Table>(&folder, Source::Teetime, |row| row.value.to_owned());
    assert_eq!(values, ["ned-1", "Moon-2a"], "as they are written");
}
