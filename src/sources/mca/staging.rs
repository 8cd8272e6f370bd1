//! Staging of legacy members, their clubs and handicaps. The columns differ by region, the rules do not.

use crate::model::date::DateKind;
use crate::model::text::whole;
use crate::model::zone::Zone;
use crate::model::{Reason, Source};
use crate::sources::mca::{uk_clubs, uk_members, uk_memberships, za_clubs, za_handicaps, za_member_clubs, za_members};
use crate::sources::staging::{
    Disposition, Entity, FirstPass, Founding, Home, NamedCell, PersonCells, Rules, StagingContext, raw_copy, row_id,
    stage_person, status,
};
use crate::tables::stage::{club_memberships, handicaps, people};

impl Entity for za_members::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "members";
    const NEEDS_FIRST_PASS: bool = true;
    const DATES: &'static [(&'static str, DateKind)] = &[
        ("date_of_birth", DateKind::Birth),
        ("created_at", DateKind::Time),
        ("updated_at", DateKind::Time),
        ("handicap_on", DateKind::Day),
    ];

    fn id<'a>(row: &za_members::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.mca_za_id, buffer)
    }

    fn first_pass(columns: &za_members::Columns, _rules: &Rules, first_pass: &mut FirstPass) {
        for row in columns.rows() {
            look(first_pass, row.gender, row.handicap);
        }
    }

    fn stage(row: &za_members::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let tenancy = context.rules.region_tenancy(Source::McaZa);
        let member = Member {
            email: row.email,
            phone: row.phone_number,
            first: row.first_name,
            last: row.last_name,
            born: row.date_of_birth,
            gender: row.gender,
            golf_rsa_id: NamedCell::of("golf_rsa_id", row.golf_rsa_id),
            cdh_id: NamedCell::none(),
            status: row.status,
            handicap: row.handicap,
            home_club_id: row.home_club_id,
            home_club_name: row.home_club_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        let id = context.id("mca_za_id", row.mca_za_id);
        let handicap = context.handicap("handicap", row.handicap);
        let handicap_at = context.midnight("handicap_on", row.handicap_on, tenancy.zone).filter(|_| handicap.is_some());
        if let Some(later) = context.integer("later_handicap_count", row.later_handicap_count).filter(|later| *later > 0) {
            context.tally.note_many("handicap", Reason::HandicapLater, later.into());
        }
        stage_member(context, Source::McaZa, &member, people::Row { handicap, handicap_at, ..people::Row::blank(&id) });
        Disposition::Staged
    }
}

impl Entity for uk_members::Table {
    const SOURCE: Source = Source::McaUk;
    const ENTITY: &'static str = "members";
    const NEEDS_FIRST_PASS: bool = true;
    const DATES: &'static [(&'static str, DateKind)] =
        &[("date_of_birth", DateKind::Birth), ("created_at", DateKind::Time), ("updated_at", DateKind::Time)];

    fn id<'a>(row: &uk_members::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.mca_uk_id, buffer)
    }

    fn first_pass(columns: &uk_members::Columns, _rules: &Rules, first_pass: &mut FirstPass) {
        for row in columns.rows() {
            look(first_pass, row.gender, row.handicap);
        }
    }

    fn stage(row: &uk_members::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let member = Member {
            email: row.email,
            phone: row.phone_number,
            first: row.first_name,
            last: row.last_name,
            born: row.date_of_birth,
            gender: row.gender,
            golf_rsa_id: NamedCell::none(),
            cdh_id: NamedCell::of("cdh_id", row.cdh_id),
            status: row.status,
            handicap: row.handicap,
            home_club_id: row.home_club_id,
            home_club_name: row.home_club_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        let id = context.id("mca_uk_id", row.mca_uk_id);
        let handicap = context.handicap("handicap", row.handicap);
        stage_member(context, Source::McaUk, &member, people::Row { handicap, ..people::Row::blank(&id) });
        Disposition::Staged
    }
}

fn look(first_pass: &mut FirstPass, gender: Option<&str>, handicap: Option<&str>) {
    if let Some(gender) = gender {
        first_pass.see_gender(gender);
    }
    if let Some(handicap) = handicap {
        first_pass.see_handicap(handicap);
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
    golf_rsa_id: NamedCell<'a>,
    cdh_id: NamedCell<'a>,
    status: Option<&'a str>,
    handicap: Option<&'a str>,
    home_club_id: Option<&'a str>,
    home_club_name: Option<&'a str>,
    created_at: Option<&'a str>,
    updated_at: Option<&'a str>,
}

fn stage_member(context: &mut StagingContext<'_>, source: Source, member: &Member<'_>, row: people::Row<'_>) {
    let tenancy = context.rules.region_tenancy(source);
    let home_club_id = member.home_club_id.map(|id| context.id("home_club_id", id));
    let home = if home_club_id.is_some() { Home::Club } else { Home::None };
    let (status, status_tag) = status(context, NamedCell::of("status", member.status), home);
    let mut buffers = [String::new(), String::new()];
    let [status_buffer, club_buffer] = &mut buffers;
    let status_raw = context.label("status", member.status, status_buffer);
    let home_club_name = context.label("home_club_name", member.home_club_name, club_buffer);
    let row = people::Row {
        status: Some(status),
        status_tag,
        status_raw,
        home_club_id: home_club_id.as_deref(),
        home_club_name,
        created_at: context.instant("created_at", member.created_at, tenancy.zone),
        updated_at: context.instant("updated_at", member.updated_at, tenancy.zone),
        ..row
    };
    let cells = PersonCells {
        tenancy,
        founding: Founding::Reachable,
        email: NamedCell::of("email", member.email),
        phone: NamedCell::of("phone_number", member.phone),
        first: NamedCell::of("first_name", member.first),
        last: NamedCell::of("last_name", member.last),
        gender: NamedCell::of("gender", member.gender),
        born: NamedCell::of("date_of_birth", member.born),
        handicap: NamedCell::of("handicap", member.handicap),
        golf_rsa_id: member.golf_rsa_id,
        cdh_id: member.cdh_id,
        created_on: row.created_at.map(|at| tenancy.zone.unwrap_or(Zone::UTC).day(at)),
        club: home_club_name,
    };
    stage_person(context, cells, row);
}

impl Entity for za_clubs::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "clubs";

    fn id<'a>(row: &za_clubs::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }
}

impl Entity for uk_clubs::Table {
    const SOURCE: Source = Source::McaUk;
    const ENTITY: &'static str = "clubs";

    fn id<'a>(row: &uk_clubs::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }
}

impl Entity for za_member_clubs::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "member_clubs";
    const DATES: &'static [(&'static str, DateKind)] = &[("joined_on", DateKind::Day), ("left_on", DateKind::Day)];

    fn id<'a>(row: &za_member_clubs::Row<'a>, buffer: &'a mut String) -> &'a str {
        membership_id(row.member_id, row.club_id, buffer)
    }

    fn stage(row: &za_member_clubs::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let zone = context.rules.region_tenancy(Source::McaZa).zone;
        let (mut club, mut status, mut id) = (String::new(), String::new(), String::new());
        let (member_id, club_id) = (context.id("member_id", row.member_id), context.id("club_id", row.club_id));
        let staged = club_memberships::Row {
            source_id: &member_id,
            entity: Self::ENTITY,
            row_id: membership_id(&member_id, &club_id, &mut id),
            club_id: &club_id,
            club_name: context.label("club_name", row.club_name, &mut club),
            label: context.label("status", row.status, &mut status),
            is_home: context.boolean("is_home_club", row.is_home_club).unwrap_or(false),
            joined_at: context.midnight("joined_on", row.joined_on, zone),
            left_at: context.end("left_on", row.left_on, zone),
        };
        context.staged.club_membership(staged);
        Disposition::Staged
    }
}

/// The source has no id for such a row: `<member>:<club>`.
fn membership_id<'a>(member: &str, club: &str, buffer: &'a mut String) -> &'a str {
    buffer.push_str(&whole(member));
    buffer.push(':');
    buffer.push_str(&whole(club));
    buffer
}

impl Entity for uk_memberships::Table {
    const SOURCE: Source = Source::McaUk;
    const ENTITY: &'static str = "memberships";
    const DATES: &'static [(&'static str, DateKind)] = &[("start_on", DateKind::Day), ("end_on", DateKind::Day)];

    fn id<'a>(row: &uk_memberships::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &uk_memberships::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let zone = context.rules.region_tenancy(Source::McaUk).zone;
        let (mut club, mut kind) = (String::new(), String::new());
        let (id, member_id) = (context.id("id", row.id), context.id("member_id", row.member_id));
        let club_id = context.id("club_id", row.club_id);
        let staged = club_memberships::Row {
            source_id: &member_id,
            entity: Self::ENTITY,
            row_id: &id,
            club_id: &club_id,
            club_name: context.label("club_name", row.club_name, &mut club),
            label: context.label("membership_type", row.membership_type, &mut kind),
            is_home: context.boolean("is_home", row.is_home).unwrap_or(false),
            joined_at: context.midnight("start_on", row.start_on, zone),
            left_at: context.end("end_on", row.end_on, zone),
        };
        context.staged.club_membership(staged);
        Disposition::Staged
    }
}

impl Entity for za_handicaps::Table {
    const SOURCE: Source = Source::McaZa;
    const ENTITY: &'static str = "handicaps";
    const DATES: &'static [(&'static str, DateKind)] = &[("effective_on", DateKind::Day)];

    fn id<'a>(row: &za_handicaps::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &za_handicaps::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let zone = context.rules.region_tenancy(Source::McaZa).zone;
        let (id, member_id) = (context.id("id", row.id), context.id("member_id", row.member_id));
        let effective_on = context.day("effective_on", row.effective_on, zone);
        let handicap_raw = raw_copy(&mut context.tally, NamedCell::of("handicap_index", row.handicap_index));
        let staged = handicaps::Row {
            source_id: &member_id,
            row_id: &id,
            handicap: context.handicap("handicap_index", row.handicap_index),
            handicap_raw: handicap_raw.as_deref(),
            effective_on,
            effective_at: effective_on.and_then(|day| context.tally.midnight("effective_on", day, zone)),
        };
        context.staged.handicap(staged);
        Disposition::Staged
    }
}

#[cfg(test)]
mod tests;
