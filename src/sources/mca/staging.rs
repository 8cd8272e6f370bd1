//! Legacy members, their clubs and handicaps: the columns differ by region, the rules do not.

use crate::model::{Reason, SkipReason, Source};
use crate::sources::mca::{uk_clubs, uk_members, uk_memberships, za_clubs, za_handicaps, za_member_clubs, za_members};
use crate::sources::staging::{
    Cell, Desk, Disposition, Entity, Founding, Home, PersonCells, Rules, Survey, blank_person, stage_person, status,
};
use crate::tables::stage::{club_memberships, handicaps, people};

impl Entity for za_members::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "members";
    const SURVEYED: bool = true;

    fn id<'a>(row: &za_members::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.mca_za_id
    }

    fn survey(columns: &za_members::Columns, _rules: &Rules, survey: &mut Survey) {
        for row in columns.rows() {
            look(survey, row.date_of_birth, row.gender, row.handicap);
        }
    }

    fn stage(row: &za_members::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let tenancy = desk.rules.region_tenancy(Source::McaZa);
        let member = Member {
            email: row.email,
            phone: row.phone_number,
            first: row.first_name,
            last: row.last_name,
            born: row.date_of_birth,
            gender: row.gender,
            golf_rsa_id: Cell::of("golf_rsa_id", row.golf_rsa_id),
            cdh_id: Cell::none(),
            status: row.status,
            handicap: row.handicap,
            home_club_id: row.home_club_id,
            home_club_name: row.home_club_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        let handicap_at = desk.tally.midnight("handicap_on", row.handicap_on, tenancy.zone);
        if let Some(later) = row.later_handicap_count.filter(|later| *later > 0) {
            desk.tally.note_many("handicap", Reason::HandicapLater, later.into());
        }
        stage_member(desk, Source::McaZa, &member, people::Row { handicap_at, ..blank_person(row.mca_za_id) });
        Disposition::Staged
    }
}

impl Entity for uk_members::Table {
    const SOURCE: Source = Source::McaUk;
    const ENTITY: &'static str = "members";
    const SURVEYED: bool = true;

    fn id<'a>(row: &uk_members::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.mca_uk_id
    }

    fn survey(columns: &uk_members::Columns, _rules: &Rules, survey: &mut Survey) {
        for row in columns.rows() {
            look(survey, row.date_of_birth, row.gender, row.handicap);
        }
    }

    fn stage(row: &uk_members::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let member = Member {
            email: row.email,
            phone: row.phone_number,
            first: row.first_name,
            last: row.last_name,
            born: row.date_of_birth,
            gender: row.gender,
            golf_rsa_id: Cell::none(),
            cdh_id: Cell::of("cdh_id", row.cdh_id),
            status: row.status,
            handicap: row.handicap,
            home_club_id: row.home_club_id,
            home_club_name: row.home_club_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        stage_member(desk, Source::McaUk, &member, blank_person(row.mca_uk_id));
        Disposition::Staged
    }
}

fn look(survey: &mut Survey, born: Option<&str>, gender: Option<&str>, handicap: Option<&str>) {
    if let Some(born) = born {
        survey.born.see(born);
    }
    if let Some(gender) = gender {
        survey.see_gender(gender);
    }
    if let Some(handicap) = handicap {
        survey.see_handicap(handicap);
    }
}

/// A legacy member of either region.
struct Member<'a> {
    email: Option<&'a str>,
    phone: Option<&'a str>,
    first: Option<&'a str>,
    last: Option<&'a str>,
    born: Option<&'a str>,
    gender: Option<&'a str>,
    golf_rsa_id: Cell<'a>,
    cdh_id: Cell<'a>,
    status: Option<&'a str>,
    handicap: Option<&'a str>,
    home_club_id: Option<&'a str>,
    home_club_name: Option<&'a str>,
    created_at: Option<crate::model::Timestamp>,
    updated_at: Option<crate::model::Timestamp>,
}

fn stage_member(desk: &mut Desk<'_>, source: Source, member: &Member<'_>, row: people::Row<'_>) {
    let tenancy = desk.rules.region_tenancy(source);
    let home = if member.home_club_id.is_some() { Home::Club } else { Home::None };
    let (status, status_tag) = status(desk, Cell::of("status", member.status), home);
    let mut buffers = [String::new(), String::new()];
    let [status_buffer, club_buffer] = &mut buffers;
    let status_raw = desk.label("status", member.status, status_buffer);
    let home_club_name = desk.label("home_club_name", member.home_club_name, club_buffer);
    let handicap = desk.handicap("handicap", member.handicap);
    let row = people::Row {
        status: Some(status),
        status_tag,
        status_raw,
        handicap,
        handicap_at: row.handicap_at.filter(|_| handicap.is_some()),
        home_club_id: member.home_club_id,
        home_club_name,
        created_at: desk.tally.local_instant("created_at", member.created_at, tenancy.zone),
        updated_at: desk.tally.local_instant("updated_at", member.updated_at, tenancy.zone),
        ..row
    };
    let cells = PersonCells {
        tenancy,
        founding: Founding::Reachable,
        email: Cell::of("email", member.email),
        phone: Cell::of("phone_number", member.phone),
        first: Cell::of("first_name", member.first),
        last: Cell::of("last_name", member.last),
        gender: Cell::of("gender", member.gender),
        born: Cell::of("date_of_birth", member.born),
        golf_rsa_id: member.golf_rsa_id,
        cdh_id: member.cdh_id,
        created_local: member.created_at.filter(|at| at.is_finite()),
        club: home_club_name,
    };
    stage_person(desk, cells, row);
}

impl Entity for za_clubs::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "clubs";

    fn id<'a>(row: &za_clubs::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(_row: &za_clubs::Row<'_>, _desk: &mut Desk<'_>) -> Disposition {
        Disposition::Reference(SkipReason::Reference)
    }
}

impl Entity for uk_clubs::Table {
    const SOURCE: Source = Source::McaUk;
    const ENTITY: &'static str = "clubs";

    fn id<'a>(row: &uk_clubs::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(_row: &uk_clubs::Row<'_>, _desk: &mut Desk<'_>) -> Disposition {
        Disposition::Reference(SkipReason::Reference)
    }
}

impl Entity for za_member_clubs::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "member_clubs";

    fn id<'a>(row: &za_member_clubs::Row<'a>, buffer: &'a mut String) -> &'a str {
        membership_id(row.member_id, row.club_id, buffer)
    }

    fn stage(row: &za_member_clubs::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let zone = desk.rules.region_tenancy(Source::McaZa).zone;
        let (mut club, mut status, mut id) = (String::new(), String::new(), String::new());
        let staged = club_memberships::Row {
            source_id: row.member_id,
            entity: Self::ENTITY,
            row_id: membership_id(row.member_id, row.club_id, &mut id),
            club_id: row.club_id,
            club_name: desk.label("club_name", row.club_name, &mut club),
            label: desk.label("status", row.status, &mut status),
            is_home: row.is_home_club,
            joined_at: desk.tally.midnight("joined_on", row.joined_on, zone),
            left_at: desk.tally.midnight("left_on", row.left_on, zone),
        };
        desk.staged.club_membership(staged);
        Disposition::Staged
    }
}

/// The source has no id for such a row: `<member>:<club>`.
fn membership_id<'a>(member: &str, club: &str, buffer: &'a mut String) -> &'a str {
    buffer.push_str(member);
    buffer.push(':');
    buffer.push_str(club);
    buffer
}

impl Entity for uk_memberships::Table {
    const SOURCE: Source = Source::McaUk;
    const ENTITY: &'static str = "memberships";

    fn id<'a>(row: &uk_memberships::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(row: &uk_memberships::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let zone = desk.rules.region_tenancy(Source::McaUk).zone;
        let (mut club, mut kind) = (String::new(), String::new());
        let staged = club_memberships::Row {
            source_id: row.member_id,
            entity: Self::ENTITY,
            row_id: row.id,
            club_id: row.club_id,
            club_name: desk.label("club_name", row.club_name, &mut club),
            label: desk.label("membership_type", row.membership_type, &mut kind),
            is_home: row.is_home,
            joined_at: desk.tally.midnight("start_on", row.start_on, zone),
            left_at: desk.tally.midnight("end_on", row.end_on, zone),
        };
        desk.staged.club_membership(staged);
        Disposition::Staged
    }
}

impl Entity for za_handicaps::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "handicaps";

    fn id<'a>(row: &za_handicaps::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(row: &za_handicaps::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let zone = desk.rules.region_tenancy(Source::McaZa).zone;
        let effective_on = row.effective_on.filter(|day| day.is_finite());
        let staged = handicaps::Row {
            source_id: row.member_id,
            row_id: row.id,
            handicap: desk.handicap("handicap_index", row.handicap_index),
            effective_on,
            effective_at: desk.tally.midnight("effective_on", row.effective_on, zone),
        };
        desk.staged.handicap(staged);
        Disposition::Staged
    }
}
