//! Dumps as spreadsheets, databases and data-frame libraries write them (§6, §9).

use crm_backfill::fault::{Exit, Fault};
use crm_backfill::model::Source;
use crm_backfill::tables::check::rejects;
use crm_backfill::tables::stage::{club_memberships, people};

use super::bench::{Bench, rejected, shown};

fn clubs(bench: &Bench) -> Vec<String> {
    shown::<club_memberships::Table>(&bench.stage(), Source::McaZa, |row| format!("{} {}", row.row_id, row.source_id))
}

/// 6.2
#[test]
fn headers_and_delimiters_are_those_of_each_file() {
    for text in [
        "sep=\t\r\nmember_id\tclub_id\tclub_name\tstatus\tis_home_club\tjoined_on\tleft_on\r\n5\t7\t\t\t1\t\t\r\n",
        "\"SEP=;\";;;;;;\nmember_id;club_id;club_name;status;is_home_club;joined_on;left_on\n5;7;;;1;;\n",
        "sep=;\nmember_id;club_id;club_name;status;is_home_club;joined_on;left_on\n5;7;;;1;;\n",
        "MEMBER_ID, club_id,\"Club Name\",STATUS ,is_home_club,joined_on,left_on\n5,7,,,1,,\n",
        "member_id,club_id,club_name,status,is_home_club,joined_on,left_on,\n5,7,,,1,,,\n,,,,,,,\n",
        "member_id|club_id|club_name|status|is_home_club|joined_on|left_on\n5|7|||1||\n",
        "mc.member_id,mc.club_id,c.club_name,mc.status,mc.is_home_club,mc.joined_on,mc.left_on\n5,7,,,1,,\n",
        "member_id:int,club_id:int,club_name:string,status (text),is_home_club,joined_on,left_on\n5,7,,,1,,\n",
        "'member_id','club_id','club_name','status','is_home_club','joined_on','left_on'\n'5','7','','','1','',''\n",
        "\"member_id\", \"club_id\", \"club_name\", \"status\", \"is_home_club\", \"joined_on\", \"left_on\"\n\"5\", \"7\", \"\", \"\", \"1\", \"\", \"\"\n",
        "member_id,club_id,club_name,status,is_home_club,joined_on,left_on\n---------,-------,--,--,--,--,--\n5,7,,,1,,\n\n(1 row)\n\u{1a}",
        "\u{feff}member_id\tclub_id\tclub_name\tstatus\tis_home_club\tjoined_on\tleft_on\r\n5\t7\t\t\t1\t\t\r\n",
    ] {
        let bench = Bench::new();
        bench.write(Source::McaZa, "member_clubs", text);
        assert_eq!(clubs(&bench), ["5:7 5"], "{text}");
        assert_eq!(rejected(&bench.stage()), [] as [String; 0], "{text}");
    }
}

/// 6.3
#[test]
fn ids_written_as_decimals_join_those_that_are_not() {
    for spelling in ["17.0", "17.00", "17,0", " 17", "1.7E+01", "\u{ff11}\u{ff17}"] {
        let bench = Bench::new();
        bench.rows(Source::McaZa, "members", &["mca_za_id", "first_name"], &[&["17", "Ann"]]);
        bench.rows(Source::McaZa, "member_clubs", &["member_id", "club_id"], &[&[spelling, "7.0"]]);
        bench.rows(Source::McaZa, "clubs", &["id", "name"], &[&["7", "Links"]]);
        assert_eq!(clubs(&bench), ["17:7 17"], "{spelling}");
        let counted = bench.stage().manifest.count("reason.ID_INTEGER");
        assert_eq!(counted, if spelling.trim() == "17" { 1 } else { 2 }, "{spelling}");
    }
    let mut bench = Bench::new();
    bench.rows(Source::McaZa, "members", &["mca_za_id"], &[&["17"], &["17.0"], &["1,017"], &["17.5"]]);
    bench.session.config.load.max_reject_ratio = 1.0;
    let folder = bench.stage();
    let ids = shown::<people::Table>(&folder, Source::McaZa, |row| row.source_id.to_owned());
    assert_eq!(ids, ["17", "1017", "17.5"], "the same id twice is one row");
}

/// 6.4
#[test]
fn utf_8_under_another_name_and_text_decoded_twice_are_recognised() {
    let bench = Bench::new();
    let rows: [&[&str]; 3] = [&["1", "Renée"], &["2", "RenÃ©e"], &["3", "Ann"]];
    bench.rows(Source::McaZa, "members", &["mca_za_id", "first_name"], &rows);
    let folder = bench.export(Source::McaZa, |args| args.dumps.encoding = Some("windows-1252".to_owned())).unwrap();
    assert_eq!(folder.manifest.count("members.utf8_lines"), 2);
    let folder = bench.stage();
    let names = shown::<people::Table>(&folder, Source::McaZa, |row| row.first_name.unwrap().to_owned());
    assert_eq!(names, ["Renée", "Renée", "Ann"]);
    assert_eq!(folder.manifest.count("reason.TEXT_MOJIBAKE"), 1);
}

/// 9.4
#[test]
fn a_dump_without_a_header_line_never_shows_a_cell() {
    for first in
        ["1,secret@mail.test,0825551234,Secret,Person,1975-12-31", "Secret;Person", "\"Secret, Person\",x", "email,Secret,Person"]
    {
        let bench = Bench::new();
        bench.write(Source::McaZa, "members", format!("{first}\n{first}\n"));
        let fault = bench.export(Source::McaZa, |_| ()).unwrap_err().downcast::<Fault>().unwrap();
        let told = format!("{} {:?} {:?}", fault.what, fault.at, fault.help);
        assert_eq!(fault.exit, Exit::Input);
        assert!(!told.contains("ecret") && !told.contains("Person") && !told.contains("0825"), "{told}");
        assert!(told.contains("no header line") || told.contains("is the first line a header?"), "{told}");
    }
}

/// 9.4: a header that goes on with rows, because its lines end in a character that does not end a line.
#[test]
fn a_header_that_runs_into_the_rows_shows_no_cell() {
    let names = "member_id,club_id,club_name,status,is_home_club,joined_on,left_on";
    for end in ["\u{85}", "\u{2028}", ",", " "] {
        let bench = Bench::new();
        bench.write(Source::McaZa, "member_clubs", format!("{names}{end}5,7,Secret,,1,2015-06-01,{end}6,7,Secret,,1,,"));
        let fault = bench.export(Source::McaZa, |_| ()).unwrap_err().downcast::<Fault>().unwrap();
        let told = format!("{} {:?} {:?}", fault.what, fault.at, fault.help);
        assert_eq!(fault.exit, Exit::Input);
        assert!(!told.contains("ecret") && !told.contains("2015"), "{told}");
    }
}

/// 6.2: R writes row numbers without a name for them; where the last column is empty, such a row looks like one that ends in a comma.
#[test]
fn values_one_column_too_far_to_the_right_are_refused() {
    let bench = Bench::new();
    let rows = "\"1\",5,7,Links,,1,2015-06-01,\n\"2\",6,7,Links,,1,2015-06-01,2019-12-31\n";
    bench.write(
        Source::McaZa,
        "member_clubs",
        format!("member_id,club_id,club_name,status,is_home_club,joined_on,left_on\n{rows}"),
    );
    let fault = bench.export(Source::McaZa, |_| ()).unwrap_err().downcast::<Fault>().unwrap();
    assert!(fault.exit == Exit::Input && fault.what.contains("one field more than the header"), "{}", fault.what);
}

#[test]
fn a_rejected_value_is_listed_with_its_line_of_the_dump() {
    let mut bench = Bench::new();
    bench.session.config.load.max_reject_ratio = 1.0;
    bench.rows(
        Source::Scl,
        "members",
        &["id", "first_name", "email"],
        &[
            &["1", "two\nlines", "anna@mail.test"],
            &["2", "", "bea@mail.test"],
            &["3", "broken", ""],
            &["4", "", "no mailbox"],
            &["4", "", "twice@mail.test"],
            &["", "", "lost@mail.test"],
        ],
    );
    bench.edit(Source::Scl, "members", |text| text.replace("broken", "\"broken"));
    let staged = bench.stage();
    let rejects = staged.read_all::<rejects::Table>(None).unwrap();
    let listed: Vec<_> = rejects
        .iter()
        .flat_map(|rows| rows.rows().map(|row| (row.line, row.source_id.to_owned(), row.reason.to_owned())).collect::<Vec<_>>())
        .collect();
    let text = bench.read(Source::Scl, "members");
    let line = |words: &str| 1 + text[..text.find(words).unwrap()].matches('\n').count() as i64;
    for (words, id, reason) in [
        ("no mailbox", "4", "EMAIL_INVALID"),
        ("\"broken", &format!("#{}", line("\"broken")), "LINE_UNMATCHED_QUOTE"),
        ("twice@", &format!("4#{}", line("twice@")), "DUP_SOURCE_ID"),
        ("lost@", &format!("#{}", line("lost@")), "MISSING_ID"),
    ] {
        assert!(listed.contains(&(line(words), id.to_owned(), reason.to_owned())), "{words}: {listed:?}");
    }
}
