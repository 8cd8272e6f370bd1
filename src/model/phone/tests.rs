//! Phone cells as people and spreadsheets write them.

use super::*;
use crate::model::Reference;
use crate::model::national_id::is_national_id;
use proptest::prelude::*;

fn region(code: &str) -> Option<PhoneRegion> {
    PhoneRegion::parse(code)
}

fn read_in(raw: &str, home: Option<&str>) -> (Vec<Phone>, Reasons) {
    let mut reader = PhoneReader::new(["ZA", "GB"].into_iter().filter_map(PhoneRegion::parse));
    let mut reasons = Reasons::default();
    let home = home.and_then(region);
    let phones = reader.read(raw, home, home.is_some(), &Reference::committed().junk, &mut reasons).to_vec();
    (phones, reasons)
}

fn numbers(raw: &str, home: &str) -> Vec<String> {
    read_in(raw, Some(home)).0.iter().map(|phone| phone.number.as_str().to_owned()).collect()
}

#[test]
fn every_written_form_of_domain_4_1_and_4_2_is_read() {
    for (raw, home, number) in [
        ("082 555 1234", "ZA", "+27825551234"),
        ("082-555-1234", "ZA", "+27825551234"),
        ("082/555/1234", "ZA", "+27825551234"),
        ("(082) 555.1234", "ZA", "+27825551234"),
        ("+27 82 555 1234", "ZA", "+27825551234"),
        ("27825551234", "ZA", "+27825551234"),
        ("0027 82 555 1234", "ZA", "+27825551234"),
        ("27(0)825551234", "ZA", "+27825551234"),
        ("+27 (0) 82 555 1234", "ZA", "+27825551234"),
        ("825551234", "ZA", "+27825551234"),
        ("825551234.0", "ZA", "+27825551234"),
        ("'0825551234", "ZA", "+27825551234"),
        ("082-555 1234 (wife)", "ZA", "+27825551234"),
        ("Tel: 082 555 1234", "ZA", "+27825551234"),
        ("082 555 1234 after 5pm", "ZA", "+27825551234"),
        ("082 555 1234 ext 12", "ZA", "+27825551234"),
        ("082\u{a0}555\u{2009}1234", "ZA", "+27825551234"),
        ("082\u{200b}555\u{2013}1234", "ZA", "+27825551234"),
        ("\u{ff10}\u{ff18}\u{ff12} 555 1234", "ZA", "+27825551234"),
        ("011 884 1234", "ZA", "+27118841234"),
        ("09 44 20 7946 0018", "ZA", "+442079460018"),
        ("+264 81 123 4567", "ZA", "+264811234567"),
        ("264811234567", "ZA", "+264811234567"),
        ("07911 123456", "ZA", "+447911123456"),
        ("07911 123456", "GB", "+447911123456"),
        ("+44 (0)7911 123456", "GB", "+447911123456"),
        ("0044 7911 123456", "GB", "+447911123456"),
        ("440 7911 123456", "GB", "+447911123456"),
        ("7911123456", "GB", "+447911123456"),
        ("+353 85 012 3456", "GB", "+353850123456"),
        ("353850123456", "GB", "+353850123456"),
        ("082 555 1234", "GB", "+27825551234"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("016977 2345", "GB", "+44169772345"),
    ] {
        assert_eq!(numbers(raw, home), [number], "{raw:?} in {home}");
    }
}

#[test]
fn the_first_valid_number_of_a_cell_is_the_value() {
    for raw in [
        "0825551234 / 0118841234",
        "0825551234;0118841234",
        "082 555 1234 or 011 884 1234",
        "0825551234, 0118841234 (work)",
        "n/a; 0825551234, 0118841234",
    ] {
        assert_eq!(numbers(raw, "ZA"), ["+27825551234", "+27118841234"], "{raw}");
        assert!(read_in(raw, Some("ZA")).1.contains(Reason::PhoneSplit));
    }
    assert_eq!(numbers("0825551234/+27825551234", "ZA").len(), 1);
}

#[test]
fn each_class_is_recognised() {
    for (raw, home, class) in [
        ("0825551234", "ZA", PhoneClass::Mobile),
        ("0118841234", "ZA", PhoneClass::Fixed),
        ("0860123456", "ZA", PhoneClass::Shared),
        ("0866123456", "ZA", PhoneClass::Premium),
        ("0871234567", "ZA", PhoneClass::Shared),
        ("07911123456", "GB", PhoneClass::Mobile),
        ("02079460018", "GB", PhoneClass::Fixed),
        ("03001234567", "GB", PhoneClass::Shared),
        ("09061234567", "GB", PhoneClass::Premium),
    ] {
        let (phones, _) = read_in(raw, Some(home));
        assert_eq!(phones[0].class, Some(class), "{raw}");
        assert_eq!(phones[0].is_key, class != PhoneClass::Premium, "{raw}");
    }
}

#[test]
fn what_is_not_a_number_is_rejected_with_its_reason() {
    for (raw, reason) in [
        ("0000000000", Reason::PhoneJunk),
        ("+27000000000", Reason::PhoneJunk),
        ("0111111111", Reason::PhoneJunk),
        ("123456789", Reason::PhoneJunk),
        ("987654321", Reason::PhoneJunk),
        ("9999999999", Reason::PhoneJunk),
        ("12345", Reason::PhoneJunk),
        ("2.78E+10", Reason::PhoneScientific),
        ("2,78255E+10", Reason::PhoneScientific),
        ("no phone", Reason::PhoneInvalid),
        ("08255512345678901234", Reason::PhoneInvalid),
    ] {
        let (phones, reasons) = read_in(raw, Some("ZA"));
        assert!(phones.is_empty() && reasons.contains(reason), "{raw}: {phones:?} {reasons:?}");
    }
    assert_eq!(read_in("", Some("ZA")), (vec![], Reasons::default()));
}

#[test]
fn a_number_only_the_strategy_accepts_is_a_value_and_no_key() {
    // Ofcom's fictional mobiles: right length, no such range.
    let (phones, reasons) = read_in("07700 900123", Some("GB"));
    assert_eq!(phones[0].number.as_str(), "+447700900123");
    assert!(!phones[0].is_key && phones[0].class.is_none());
    assert!(reasons.contains(Reason::PhoneStrategyOnly));
}

#[test]
fn restorations_are_counted() {
    for (raw, home, reason) in [
        ("825551234", "ZA", Reason::PhoneZeroRestored),
        ("353850123456", "GB", Reason::PhonePlusRestored),
        ("09 44 20 7946 0018", "ZA", Reason::PhoneOldPrefix),
        ("07911 123456", "ZA", Reason::PhoneOtherRegion),
        ("0825551234 (wife)", "GB", Reason::PhoneWordsCut),
    ] {
        assert!(read_in(raw, Some(home)).1.contains(reason), "{raw}");
    }
}

#[test]
fn without_a_tenant_a_phone_is_a_key_only_if_one_region_fits() {
    for (raw, number) in [
        ("082 555 1234", "+27825551234"),
        ("07950087349", "+447950087349"),
        ("076/5887985", "+27765887985"),
        ("(079) 500 87349", "+447950087349"),
    ] {
        let (phones, reasons) = read_in(raw, None);
        assert_eq!((phones[0].number.as_str(), phones[0].is_key), (number, true), "{raw}");
        assert!(reasons.contains(Reason::PhoneRegionGuessed));
    }
    let (phones, _) = read_in("+44 7911 123456", None);
    assert_eq!((phones[0].number.as_str(), phones[0].is_key), ("+447911123456", true));
    let (phones, reasons) = read_in("0800 123 456", None);
    assert!(phones.is_empty() && reasons.contains(Reason::PhoneInvalid), "valid in both: {phones:?}");
}

#[test]
fn a_national_identity_number_is_recognised_in_a_phone_cell() {
    let mut digits = *b"0002295000080";
    digits[12] = (b'0'..=b'9')
        .find(|check| {
            is_national_id(&{
                digits[12] = *check;
                digits
            })
        })
        .unwrap();
    assert!(holds_national_id(&format!(" {} ", std::str::from_utf8(&digits).unwrap())));
    assert!(!holds_national_id("+27825551234"));
}

#[test]
fn a_national_spelling_is_never_the_key_of_another_country() {
    for (raw, home) in [
        ("07911 12345", "GB"),
        ("079 555 12345", "ZA"),
        ("07911 123456", "ZA"),
        ("082 555 1234", "GB"),
        ("8255512345", "ZA"),
        ("+27 82 123 4", "ZA"),
        ("0791112345", "GB"),
    ] {
        let (phones, _) = read_in(raw, Some(home));
        assert!(phones.iter().all(|phone| !phone.is_key), "{raw} in {home}: {phones:?}");
    }
    assert!(read_in("07911 12345", Some("GB")).1.contains(Reason::PhoneOtherRegion));
}

#[test]
fn a_south_african_number_has_nine_digits() {
    for raw in ["082 1234", "082 12345", "0821234567890", "+27 82 1234", "27821234", "011 884 12"] {
        let (phones, _) = read_in(raw, Some("ZA"));
        assert!(phones.iter().all(|phone| !phone.number.as_str().starts_with("+27")), "{raw}: {phones:?}");
    }
    assert!(read_in("082 1234", Some("ZA")).1.contains(Reason::PhoneInvalid));
}

#[test]
fn numbers_in_a_row_are_split_where_each_is_complete() {
    for raw in [
        "0821234567 0831234567",
        "082 123 4567 083 123 4567",
        "0821234567 & 0831234567",
        "0821234567 and 0831234567",
        "0821234567 en 0831234567",
        "0821234567 | 0831234567",
        "0821234567\\0831234567",
        "082-123-4567 - 083-123-4567",
        "0821234567-0831234567",
        "+27821234567+27831234567",
        "H: 082 123 4567 C: 083 123 4567",
        "h 0821234567 w 0831234567",
        "home 082 123 4567, cell: 083 123 4567",
        "0821234567.0 / 0831234567.0",
        "0821234567\n0831234567",
        "tel:0821234567;ext=12 / 0831234567",
    ] {
        assert_eq!(numbers(raw, "ZA"), ["+27821234567", "+27831234567"], "{raw}");
    }
    assert_eq!(numbers("07911 123456 / 07911 123457 07911 123458", "GB").len(), 3);
}

#[test]
fn what_a_spreadsheet_adds_goes_whatever_the_number_looks_like() {
    for (raw, home, number) in [
        ("(073) 956-4316.0", "ZA", "+27739564316"),
        ("+27 79 986 5145.0", "ZA", "+27799865145"),
        ("+27 79 986 5145.00", "ZA", "+27799865145"),
        ("079 986 5145.0 ", "ZA", "+27799865145"),
        ("07911 123456.0", "GB", "+447911123456"),
        ("=\"0799865145\"", "ZA", "+27799865145"),
        ("2.7799865145E+10", "ZA", "+27799865145"),
        ("tel:+27-79-986-5145", "ZA", "+27799865145"),
        ("mobile: 079 986 5145", "ZA", "+27799865145"),
        ("0799865145 (h)", "ZA", "+27799865145"),
        ("0799865145w", "ZA", "+27799865145"),
    ] {
        assert_eq!(numbers(raw, home), [number], "{raw}");
    }
}

#[test]
fn letters_inside_a_number_are_never_cut_out() {
    for (raw, home) in [
        ("0817391O53", "ZA"),
        ("081739l053", "ZA"),
        ("O817391053", "ZA"),
        ("08173910S3", "ZA"),
        ("082 555 l234", "ZA"),
        ("07911 I23456", "GB"),
        ("0791112345l", "GB"),
        ("+27 81 739 1O53", "ZA"),
    ] {
        let (phones, reasons) = read_in(raw, Some(home));
        assert!(phones.is_empty() && reasons.contains(Reason::PhoneInvalid), "{raw}: {phones:?} {reasons:?}");
    }
    assert_eq!(numbers("0817391O53 / 0825551234", "ZA"), ["+27825551234"], "the other number is whole");
}

#[test]
fn a_leading_00_marks_an_international_number() {
    assert!(holds_national_id("0012127242035"), "its digits could be an identity number");
    assert!(is_dialled_abroad("0012127242035") && is_dialled_abroad("00 1 212 724 2035"));
    assert!(!is_dialled_abroad("0002295000083"));
    assert_eq!(numbers("0012127242035", "ZA"), ["+12127242035"]);
}

fn strategy(raw: &str, home: &str) -> Option<String> {
    let digits: String = raw.chars().filter(char::is_ascii_digit).collect();
    let (country, length) = if home == "ZA" { ("27", 11) } else { ("44", 12) };
    if digits.starts_with(country) && digits.len() == length {
        Some(format!("+{digits}"))
    } else if digits.starts_with('0') && digits.len() == length - 1 {
        Some(format!("+{country}{}", &digits[1..]))
    } else {
        None
    }
}
/// Every range of the two numbering plans that the domain notes distinguish, with its class.
const PLANS: &[(&str, &str, &str, PhoneClass)] = &[
    ("ZA", "012 345 6780", "+27123456780", PhoneClass::Fixed),
    ("ZA", "021 555 1234", "+27215551234", PhoneClass::Fixed),
    ("ZA", "031 555 1234", "+27315551234", PhoneClass::Fixed),
    ("ZA", "041 555 1234", "+27415551234", PhoneClass::Fixed),
    ("ZA", "051 555 1234", "+27515551234", PhoneClass::Fixed),
    ("ZA", "060 355 1234", "+27603551234", PhoneClass::Mobile),
    ("ZA", "072 555 1234", "+27725551234", PhoneClass::Mobile),
    ("ZA", "081 355 1234", "+27813551234", PhoneClass::Mobile),
    ("ZA", "082 555 1234", "+27825551234", PhoneClass::Mobile),
    ("ZA", "083 555 1234", "+27835551234", PhoneClass::Mobile),
    ("ZA", "084 555 1234", "+27845551234", PhoneClass::Mobile),
    ("ZA", "0800 123 456", "+27800123456", PhoneClass::Shared),
    ("ZA", "0860 123 456", "+27860123456", PhoneClass::Shared),
    ("ZA", "0866 123 456", "+27866123456", PhoneClass::Premium),
    ("ZA", "087 123 4567", "+27871234567", PhoneClass::Shared),
    ("ZA", "090 123 4567", "+27901234567", PhoneClass::Premium),
    ("GB", "0113 496 0018", "+441134960018", PhoneClass::Fixed),
    ("GB", "020 7946 0018", "+442079460018", PhoneClass::Fixed),
    ("GB", "01204 61234", "+44120461234", PhoneClass::Fixed),
    ("GB", "016977 2345", "+44169772345", PhoneClass::Fixed),
    ("GB", "01534 440018", "+441534440018", PhoneClass::Fixed),
    ("GB", "07123 456789", "+447123456789", PhoneClass::Mobile),
    ("GB", "07400 123456", "+447400123456", PhoneClass::Mobile),
    ("GB", "07500 123456", "+447500123456", PhoneClass::Mobile),
    ("GB", "07797 712345", "+447797712345", PhoneClass::Mobile),
    ("GB", "07781 123456", "+447781123456", PhoneClass::Mobile),
    ("GB", "07800 123456", "+447800123456", PhoneClass::Mobile),
    ("GB", "07911 123456", "+447911123456", PhoneClass::Mobile),
    ("GB", "07624 412345", "+447624412345", PhoneClass::Mobile),
    ("GB", "070 1234 5678", "+447012345678", PhoneClass::Shared),
    ("GB", "07601 123456", "+447601123456", PhoneClass::Shared),
    ("GB", "0300 123 4567", "+443001234567", PhoneClass::Shared),
    ("GB", "0800 123 4567", "+448001234567", PhoneClass::Shared),
    ("GB", "0800 1111", "+448001111", PhoneClass::Shared),
    ("GB", "0844 123 4567", "+448441234567", PhoneClass::Premium),
    ("GB", "09061 234567", "+449061234567", PhoneClass::Premium),
];

#[test]
fn every_range_of_both_numbering_plans_has_its_class() {
    let mut wrong = Vec::new();
    for &(home, raw, number, class) in PLANS {
        let (phones, _) = read_in(raw, Some(home));
        let read = phones.first().map(|phone| (phone.number.as_str().to_owned(), phone.class, phone.is_key));
        if read != Some((number.to_owned(), Some(class), class != PhoneClass::Premium)) {
            wrong.push(format!("{home} {raw}: {read:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_mobile_survives_every_trap_of_its_plan() {
    let traps: &[(&str, &str, &[&str])] = &[
        (
            "ZA",
            "+27825551234",
            &[
                "0027825551234",
                "00 27 82 555 1234",
                "27(0)825551234",
                "+27(0)82 555 1234",
                "27825551234",
                "825551234",
                "0825551234.0",
                "27825551234.0",
                "082-555 1234 (wife)",
                "'082 555 1234",
                "\"0825551234\"",
                "082 555 1234 ext. 7",
                "0825551234 x7",
                "h: 082 555 1234",
                "(+27) 82 555 1234",
                "+27-82-555-1234",
            ],
        ),
        (
            "GB",
            "+447911123456",
            &[
                "+44 (0)7911 123456",
                "+44(0) 7911 123456",
                "4407911123456",
                "00447911123456",
                "0044 (0)7911 123456",
                "7911123456",
                "7911123456.0",
                "447911123456",
                "+44 7911 123456",
                "07911-123-456",
                "07911 123456 (work)",
            ],
        ),
    ];
    let mut wrong = Vec::new();
    for (home, number, cells) in traps {
        for raw in *cells {
            let (phones, _) = read_in(raw, Some(home));
            let read: Vec<_> = phones.iter().map(|phone| (phone.number.as_str(), phone.class, phone.is_key)).collect();
            if read != [(*number, Some(PhoneClass::Mobile), true)] {
                wrong.push(format!("{home} {raw}: {read:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn neighbours_on_a_list_are_read_by_their_own_code() {
    let mut wrong = Vec::new();
    for (home, raw, number) in [
        ("ZA", "+264 81 123 4567", "+264811234567"),
        ("ZA", "+266 5012 3456", "+26650123456"),
        ("ZA", "+267 71 123 456", "+26771123456"),
        ("ZA", "+268 7612 3456", "+26876123456"),
        ("ZA", "+258 82 123 4567", "+258821234567"),
        ("ZA", "+263 71 234 5678", "+263712345678"),
        ("ZA", "00264 81 123 4567", "+264811234567"),
        ("ZA", "09 264 81 123 4567", "+264811234567"),
        ("ZA", "09 44 7911 123456", "+447911123456"),
        ("ZA", "263712345678", "+263712345678"),
        ("ZA", "447911123456", "+447911123456"),
        ("GB", "00353 85 012 3456", "+353850123456"),
        ("GB", "353 85 012 3456", "+353850123456"),
        ("GB", "27825551234", "+27825551234"),
    ] {
        if numbers(raw, home) != [number] {
            wrong.push(format!("{home} {raw}: {:?}", numbers(raw, home)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn fictional_numbers_are_not_junk_where_they_are_reserved() {
    for raw in ["07700 900000", "07700 900999", "020 7946 0000", "020 7946 0999"] {
        let (phones, reasons) = read_in(raw, Some("GB"));
        assert_eq!(phones.len(), 1, "{raw} stays a value");
        assert!(!reasons.contains(Reason::PhoneJunk) && !reasons.contains(Reason::PhoneInvalid), "{raw}: {reasons:?}");
    }
}

#[test]
fn junk_is_fewer_than_seven_digits_one_digit_over_and_over_zeros_and_runs() {
    for raw in [
        "1",
        "123456",
        "1111111",
        "0000000",
        "00000000000",
        "+27 00 000 0000",
        "0044 0000 000000",
        "123456789",
        "987654321",
        "0123456789",
        "0111111111",
    ] {
        let (phones, reasons) = read_in(raw, Some("ZA"));
        assert!(phones.is_empty() && reasons.contains(Reason::PhoneJunk), "{raw}: {phones:?} {reasons:?}");
    }
    for raw in ["NULL", " \\N ", ""] {
        let (phones, reasons) = read_in(raw, Some("ZA"));
        assert!(phones.is_empty() && !reasons.contains(Reason::PhoneInvalid), "{raw:?}: {reasons:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn where_the_strategys_answer_is_valid_ours_is_its_canonical_form(
        raw in "[+(]{0,2}(27|44|0)[ -/().]{0,1}[1-9][0-9]{1,3}[ _/,-]{0,2}[0-9]{3}[ -]{0,1}[0-9]{3,4}( work| \\(h\\))?",
        home in prop_oneof![Just("ZA"), Just("GB")],
    ) {
        let Some(answer) = strategy(&raw, home) else { return Ok(()) };
        prop_assume!(!read_in(&raw, Some(home)).1.contains(Reason::PhoneJunk));
        // The oracle is the other library, given what it reads well: E.164.
        let canonical = phonenumber::parse(None, &answer).ok().filter(phonenumber::is_valid);
        if let Some(canonical) = canonical {
            let canonical = canonical.format().mode(phonenumber::Mode::E164).to_string();
            let (phones, _) = read_in(&raw, Some(home));
            prop_assert_eq!(phones.first().map(|phone| phone.number.as_str()), Some(canonical.as_str()));
        }
    }

    #[test]
    fn a_read_number_reads_as_itself(raw in "[+0-9() /x-]{6,16}", home in prop_oneof![Just("ZA"), Just("GB")]) {
        for phone in read_in(&raw, Some(home)).0 {
            let (again, _) = read_in(phone.number.as_str(), Some(home));
            prop_assert_eq!(again.first().map(|again| again.number), Some(phone.number));
        }
    }
}
