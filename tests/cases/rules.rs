//! Rules of survivorship and the timeline, recomputed independently.

use crm_backfill::model::Source;

use crate::cases::dumps::{Dumps, column, offline, rows};

const AS_OF: &str = "2025-12-01T00:00:00Z";

fn member(cells: &[(&str, &str)]) -> Dumps {
    let mut dumps = Dumps::default();
    let own =
        [("mca_za_id", "1"), ("first_name", "Thabo"), ("last_name", "Nkosi"), ("email", "thabo@mail.test"), ("status", "active")];
    dumps.row(Source::McaZa, "members", &[own.as_slice(), cells].concat());
    dumps
}

/// Case 12.2: the latest valid handicap of the history.
#[test]
fn a_later_sentinel_does_not_hide_a_handicap() {
    for (later, expected) in [("99.9", "12.3"), ("NH", "12.3"), ("999", "12.3"), ("11.8", "11.8")] {
        let mut dumps = member(&[("handicap", later), ("handicap_on", "2025-06-01")]);
        for (id, value, on) in
            [("1", "14.0", "2024-01-01"), ("2", "12.3", "2025-05-01"), ("3", later, "2025-06-01"), ("4", "5.0", "2026-01-01")]
        {
            dumps.row(
                Source::McaZa,
                "handicaps",
                &[("id", id), ("member_id", "1"), ("handicap_index", value), ("effective_on", on)],
            );
        }
        let workdir = offline(&dumps, AS_OF);
        let profile = rows(&workdir, "crm__customer_profiles").remove(0);
        assert_eq!(profile["handicap"], expected, "{later}");
    }
}

/// Case 2.4 on the timeline: a member who leaves after as_of is still a member.
#[test]
fn no_member_leaves_a_club_after_as_of() {
    for (left, expected) in [("2026-12-31", 1), ("9999-12-31", 1), ("", 1), ("2025-11-30", 2)] {
        let mut dumps = member(&[]);
        dumps.row(
            Source::McaZa,
            "member_clubs",
            &[("member_id", "1"), ("club_id", "7"), ("joined_on", "2020-01-01"), ("left_on", left), ("status", "active")],
        );
        let workdir = offline(&dumps, AS_OF);
        assert_eq!(column(&workdir, "crm__activities", "activity_type").len(), expected, "{left}");
    }
}

/// Case 12.12: gender comes from MCA alone.
#[test]
fn a_title_in_an_scl_or_teetime_name_gives_no_gender() {
    for title in ["Mr", "Mrs.", "Mev"] {
        let mut dumps = Dumps::default();
        dumps.row(
            Source::Scl,
            "members",
            &[
                ("id", "1"),
                ("tenant_id", "1"),
                ("first_name", &format!("{title} Kim")),
                ("last_name", "Lee"),
                ("email", "kim@mail.test"),
            ],
        );
        dumps.row(
            Source::Teetime,
            "players",
            &[("id", "p"), ("name", &format!("{title} Sam")), ("surname", "Roe"), ("email", "sam@mail.test")],
        );
        let workdir = offline(&dumps, AS_OF);
        assert_eq!(column(&workdir, "crm__customer_profiles", "gender"), ["UNKNOWN", "UNKNOWN"], "{title}");
    }
}

/// §12, rulings: a player with any booking is a customer, also with one before the look-back.
#[test]
fn a_booking_before_the_look_back_makes_a_customer() {
    let stage = |cells: &[(&str, &str)], booked: Option<&str>| {
        let mut dumps = Dumps::default();
        let own = [("id", "p"), ("name", "Sam"), ("surname", "Roe"), ("email", "sam@mail.test"), ("home_club_tenant_id", "1")];
        dumps.row(Source::Teetime, "players", &[own.as_slice(), cells].concat());
        if let Some(at) = booked {
            dumps.row(Source::Teetime, "bookings", &[("id", "b"), ("player_id", "p"), ("start_time", at), ("created_at", at)]);
        }
        column(&offline(&dumps, AS_OF), "crm__customer_profiles", "lifecycle_stage").remove(0)
    };
    assert_eq!(stage(&[], None), "PROSPECT");
    assert_eq!(stage(&[("first_booking_at", "2019-03-01 08:00:00+00")], None), "CUSTOMER");
    assert_eq!(stage(&[("first_booking_at", "2026-03-01 08:00:00+00")], None), "PROSPECT", "not by as_of");
    assert_eq!(stage(&[], Some("2019-03-01 08:00:00+00")), "CUSTOMER", "a dump may hold more than the window");
}

/// §7: two profiles of one email and one full name with different numbers go to the review queue.
#[test]
fn equal_names_and_emails_with_different_numbers_are_filed_for_review() {
    for (second, is_filed) in [("7700112233", true), ("GR-7700112233", true), ("2700212320", false)] {
        let mut dumps = member(&[("golf_rsa_id", "2700212320")]);
        dumps.row(
            Source::McaZa,
            "members",
            &[
                ("mca_za_id", "2"),
                ("first_name", "Thabo"),
                ("last_name", "Nkosi"),
                ("email", "thabo@mail.test"),
                ("status", "active"),
                ("golf_rsa_id", second),
            ],
        );
        let workdir = offline(&dumps, AS_OF);
        assert_eq!(column(&workdir, "crm__customer_profiles", "id").len(), 1 + usize::from(is_filed), "{second}");
        let reasons = column(&workdir, "crm__duplicate_candidates", "reasons");
        assert_eq!(reasons.iter().any(|reasons| reasons.contains("GOLF_RSA_ID_CONFLICT")), is_filed, "{second}: {reasons:?}");
    }
}
