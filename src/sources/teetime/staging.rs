//! TeeTime players, their association numbers and tee times.

use crate::model::association::AssociationNumber;
use crate::model::text::clean;
use crate::model::{AliasType, BookingOutcome, Reason, Reasons, SkipReason, Source, TenantRule};
use crate::sources::staging::{
    Cell, Desk, Disposition, Entity, Founding, PersonCells, Rules, Survey, blank_person, stage_person,
};
use crate::sources::teetime::{
    associations, bookings, clubs, courses, player_associations, player_club_memberships, player_preferences, players,
};
use crate::tables::stage::{self, identifiers, people};

impl Entity for players::Table {
    const SOURCE: Source = Source::Teetime;
    const ENTITY: &'static str = "players";
    const SURVEYED: bool = true;

    fn id<'a>(row: &players::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn survey(columns: &players::Columns, _rules: &Rules, survey: &mut Survey) {
        for handicap in columns.rows().filter_map(|row| row.handicap) {
            survey.see_handicap(handicap);
        }
    }

    fn stage(row: &players::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        let (named, rule) = match row.home_club_tenant_id {
            Some(tenant) => (Some(tenant), TenantRule::HomeClub),
            None => (row.club_tenant_id, TenantRule::ClubMembership),
        };
        let mut club = String::new();
        let home_club_name = desk.label("home_club_name", row.home_club_name, &mut club);
        let cells = PersonCells {
            tenancy: desk.rules.tenancy(Source::Teetime, named, rule),
            founding: Founding::Keyless,
            email: Cell::of("email", row.email),
            phone: Cell::of("phone", row.phone),
            first: Cell::of("name", row.name),
            last: Cell::of("surname", row.surname),
            gender: Cell::none(),
            born: Cell::none(),
            golf_rsa_id: Cell::none(),
            cdh_id: Cell::none(),
            created_local: None,
            club: home_club_name,
        };
        let survey = desk.survey;
        let staged = people::Row {
            golf_rsa_id: survey.number(row.id, AliasType::GolfRsaId),
            cdh_id: survey.number(row.id, AliasType::CdhId),
            mca_id: survey.number(row.id, AliasType::McaId),
            handicap: desk.handicap("handicap", row.handicap),
            handicap_at: desk.tally.instant("handicap_updated_at", row.handicap_updated_at),
            home_club_id: row.home_club_id,
            home_club_name,
            created_at: desk.tally.instant("created_at", row.created_at),
            updated_at: desk.tally.instant("updated_at", row.updated_at),
            ..blank_person(row.id)
        };
        stage_person(desk, cells, staged);
        Disposition::Staged
    }
}

macro_rules! without_rows {
    ($entity:ident, $reason:ident) => {
        impl Entity for $entity::Table {
            const SOURCE: Source = Source::Teetime;
            const ENTITY: &'static str = stringify!($entity);

            fn id<'a>(row: &$entity::Row<'a>, _buffer: &'a mut String) -> &'a str {
                row.id
            }

            fn stage(_row: &$entity::Row<'_>, _desk: &mut Desk<'_>) -> Disposition {
                Disposition::Reference(SkipReason::$reason)
            }
        }
    };
}

without_rows!(clubs, Reference);
without_rows!(courses, Reference);
without_rows!(associations, Reference);
without_rows!(player_club_memberships, NoTarget);
without_rows!(player_preferences, NoTarget);

impl Entity for player_associations::Table {
    const SOURCE: Source = Source::Teetime;
    const ENTITY: &'static str = "player_associations";
    const SURVEYED: bool = true;

    fn id<'a>(row: &player_associations::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn survey(columns: &player_associations::Columns, rules: &Rules, survey: &mut Survey) {
        for row in columns.rows() {
            let kind = row.association_type.and_then(|code| rules.reference.associations.get(code)).copied().flatten();
            let number = row
                .external_id
                .zip(kind)
                .and_then(|(raw, kind)| AssociationNumber::read(raw, Some(kind), &rules.reference.junk, &mut Reasons::default()));
            if let Some((kind, number)) = kind.zip(number) {
                survey.see_number(row.player_id, kind, number.as_str());
            }
        }
    }

    fn stage(row: &player_associations::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        const TYPE: &str = "association_type";
        const NUMBER: &str = "external_id";
        let mut reasons = Reasons::default();
        let mut buffer = String::new();
        let code = row.association_type.and_then(|raw| clean(raw, &mut buffer, &mut reasons)).unwrap_or_default();
        let code = code.to_uppercase();
        let known = desk.rules.reference.associations.get(&code).copied();
        if known.is_none() {
            desk.tally.note_code(TYPE, Reason::AssociationUnmapped, &code);
        }
        let kind = known.flatten();
        let number = row.external_id.and_then(|raw| AssociationNumber::read(raw, kind, &desk.rules.reference.junk, &mut reasons));
        desk.tally.note_all(NUMBER, reasons);
        let Some(number) = number else {
            if reasons.is_empty() {
                desk.tally.note(NUMBER, Reason::AssociationEmpty);
            }
            return Disposition::Reference(SkipReason::NoTarget);
        };
        if let Some(kind) = kind {
            if desk.survey.number(row.player_id, kind).is_some_and(|first| first != number.as_str()) {
                desk.tally.note(NUMBER, Reason::AssociationFurther);
            }
        }
        desk.staged.identifier(identifiers::Row {
            source_id: row.player_id,
            entity: Self::ENTITY,
            row_id: row.id,
            kind,
            code: &code,
            value: number.as_str(),
            is_key: kind.is_some(),
        });
        Disposition::Staged
    }
}

impl Entity for bookings::Table {
    const SOURCE: Source = Source::Teetime;
    const ENTITY: &'static str = "bookings";

    fn id<'a>(row: &bookings::Row<'a>, _buffer: &'a mut String) -> &'a str {
        row.id
    }

    fn stage(row: &bookings::Row<'_>, desk: &mut Desk<'_>) -> Disposition {
        const STATUS: &str = "status";
        let raw = row.status.unwrap_or_default();
        let outcome = desk.rules.reference.bookings.get(raw).copied().unwrap_or_else(|| {
            desk.tally.note_code(STATUS, Reason::BookingStatusUnmapped, raw);
            BookingOutcome::Booked
        });
        let mut buffers: [String; 3] = Default::default();
        let [status, course, club] = &mut buffers;
        let staged = stage::bookings::Row {
            row_id: row.id,
            source_id: row.player_id,
            outcome,
            status_raw: desk.label(STATUS, row.status, status).unwrap_or_default(),
            course_id: row.course_id,
            course_name: desk.label("course_name", row.course_name, course),
            club_id: row.club_id,
            club_name: desk.label("club_name", row.club_name, club),
            player_count: row.player_count,
            start_at: desk.tally.instant("start_time", row.start_time),
            created_at: desk.tally.instant("created_at", row.created_at),
        };
        desk.staged.booking(staged);
        Disposition::Staged
    }
}
