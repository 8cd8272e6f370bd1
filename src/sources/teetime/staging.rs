//! Staging of TeeTime players, their association numbers and tee times.

use crate::model::association::AssociationNumber;
use crate::model::date::DateKind;
use crate::model::text::{clean, whole};
use crate::model::{AliasType, BookingOutcome, Reason, Reasons, SkipReason, Source, TenantRule};
use crate::sources::staging::{
    Disposition, Entity, FirstPass, Founding, NamedCell, PersonCells, Rules, StagingContext, row_id, stage_person,
};
use crate::sources::teetime::{
    associations, bookings, clubs, courses, player_associations, player_club_memberships, player_preferences, players,
};
use crate::tables::stage::{self, identifiers, people};

impl Entity for players::Table {
    const SOURCE: Source = Source::Teetime;
    const ENTITY: &'static str = "players";
    const NEEDS_FIRST_PASS: bool = true;
    const DATES: &'static [(&'static str, DateKind)] = &[
        ("handicap_updated_at", DateKind::Time),
        ("created_at", DateKind::Time),
        ("updated_at", DateKind::Time),
        ("first_booking_at", DateKind::Time),
    ];

    fn id<'a>(row: &players::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn first_pass(columns: &players::Columns, _rules: &Rules, first_pass: &mut FirstPass) {
        for handicap in columns.rows().filter_map(|row| row.handicap) {
            first_pass.see_handicap(handicap);
        }
    }

    fn stage(row: &players::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let (named, rule) = match row.home_club_tenant_id {
            Some(tenant) => (Some(tenant), TenantRule::HomeClub),
            None => (row.club_tenant_id, TenantRule::ClubMembership),
        };
        let id = context.id("id", row.id);
        let home_club_id = row.home_club_id.map(|id| context.id("home_club_id", id));
        let mut club = String::new();
        let home_club_name = context.label("home_club_name", row.home_club_name, &mut club);
        let cells = PersonCells {
            tenancy: context.rules.tenancy(Source::Teetime, named, rule),
            founding: Founding::Keyless,
            email: NamedCell::of("email", row.email),
            phone: NamedCell::of("phone", row.phone),
            first: NamedCell::of("name", row.name),
            last: NamedCell::of("surname", row.surname),
            gender: NamedCell::none(),
            born: NamedCell::none(),
            handicap: NamedCell::of("handicap", row.handicap),
            golf_rsa_id: NamedCell::none(),
            cdh_id: NamedCell::none(),
            created_on: None,
            club: home_club_name,
        };
        let first_pass = context.first_pass;
        let staged = people::Row {
            golf_rsa_id: first_pass.number(&id, AliasType::GolfRsaId),
            cdh_id: first_pass.number(&id, AliasType::CdhId),
            mca_id: first_pass.number(&id, AliasType::McaId),
            handicap: context.handicap("handicap", row.handicap),
            handicap_at: context.utc("handicap_updated_at", row.handicap_updated_at),
            home_club_id: home_club_id.as_deref(),
            home_club_name,
            created_at: context.utc("created_at", row.created_at),
            updated_at: context.utc("updated_at", row.updated_at),
            first_booked_at: context.utc("first_booking_at", row.first_booking_at),
            ..people::Row::blank(&id)
        };
        stage_person(context, cells, staged);
        Disposition::Staged
    }
}

macro_rules! without_rows {
    ($entity:ident, $reason:ident) => {
        impl Entity for $entity::Table {
            const SOURCE: Source = Source::Teetime;
            const ENTITY: &'static str = stringify!($entity);

            fn id<'a>(row: &$entity::Row<'a>, buffer: &'a mut String) -> &'a str {
                row_id(row.id, buffer)
            }

            fn stage(_row: &$entity::Row<'_>, _context: &mut StagingContext<'_>) -> Disposition {
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
    const NEEDS_FIRST_PASS: bool = true;

    fn id<'a>(row: &player_associations::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn first_pass(columns: &player_associations::Columns, rules: &Rules, first_pass: &mut FirstPass) {
        for row in columns.rows() {
            let kind = row.association_type.and_then(|code| rules.reference.associations.get(code)).copied().flatten();
            let number = row
                .external_id
                .zip(kind)
                .and_then(|(raw, kind)| AssociationNumber::read(raw, Some(kind), &rules.reference.junk, &mut Reasons::default()));
            if let Some((kind, number)) = kind.zip(number) {
                first_pass.see_number(&whole(row.player_id), kind, number.as_str());
            }
        }
    }

    fn stage(row: &player_associations::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        const TYPE: &str = "association_type";
        const NUMBER: &str = "external_id";
        let mut reasons = Reasons::default();
        let mut buffer = String::new();
        let code = row.association_type.and_then(|raw| clean(raw, &mut buffer, &mut reasons)).unwrap_or_default();
        let code = code.to_uppercase();
        let known = context.rules.reference.associations.get(&code).copied();
        if known.is_none() {
            context.tally.note_code(TYPE, Reason::AssociationUnmapped, &code);
        }
        let kind = known.flatten();
        let number =
            row.external_id.and_then(|raw| AssociationNumber::read(raw, kind, &context.rules.reference.junk, &mut reasons));
        context.tally.note_all(NUMBER, reasons);
        let Some(number) = number else {
            if reasons.is_empty() {
                context.tally.note(NUMBER, Reason::AssociationEmpty);
            }
            return Disposition::Reference(SkipReason::NoTarget);
        };
        let (id, player_id) = (context.id("id", row.id), context.id("player_id", row.player_id));
        if let Some(kind) = kind
            && context.first_pass.number(&player_id, kind).is_some_and(|first| first != number.as_str())
        {
            context.tally.note(NUMBER, Reason::AssociationFurther);
        }
        context.staged.identifier(identifiers::Row {
            source_id: &player_id,
            entity: Self::ENTITY,
            row_id: &id,
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
    const DATES: &'static [(&'static str, DateKind)] = &[("start_time", DateKind::Time), ("created_at", DateKind::Time)];

    fn id<'a>(row: &bookings::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &bookings::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        const STATUS: &str = "status";
        let raw = row.status.unwrap_or_default();
        let outcome = context.rules.reference.bookings.get(raw).copied().unwrap_or_else(|| {
            context.tally.note_code(STATUS, Reason::BookingStatusUnmapped, raw);
            BookingOutcome::Booked
        });
        let mut buffers: [String; 3] = Default::default();
        let [status, course, club] = &mut buffers;
        let (id, player_id) = (context.id("id", row.id), context.id("player_id", row.player_id));
        let course_id = row.course_id.map(|id| context.id("course_id", id));
        let club_id = row.club_id.map(|id| context.id("club_id", id));
        let staged = stage::bookings::Row {
            row_id: &id,
            source_id: &player_id,
            outcome,
            status_raw: context.label(STATUS, row.status, status).unwrap_or_default(),
            course_id: course_id.as_deref(),
            course_name: context.label("course_name", row.course_name, course),
            club_id: club_id.as_deref(),
            club_name: context.label("club_name", row.club_name, club),
            player_count: context.integer("player_count", row.player_count),
            start_at: context.utc("start_time", row.start_time),
            created_at: context.utc("created_at", row.created_at),
        };
        context.staged.booking(staged);
        Disposition::Staged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::staging::testing::{columns, count, exported, options, stage, stage_after};

    fn player(id: &str) -> players::Row<'_> {
        players::Row {
            id,
            email: None,
            phone: Some("082 555 1234"),
            name: Some("Ann"),
            surname: Some("Lee"),
            handicap: Some("12.4"),
            handicap_updated_at: Some("2024-05-01T10:00:00.123500Z"),
            home_club_id: None,
            home_club_name: None,
            home_club_tenant_id: None,
            club_tenant_id: None,
            created_at: Some("2024-05-01T10:00:00Z"),
            updated_at: None,
            first_booking_at: None,
        }
    }

    #[test]
    fn the_tenant_is_the_home_clubs_else_that_of_the_clubs_else_unknown() {
        let rows = [
            players::Row { home_club_tenant_id: Some("17"), club_tenant_id: Some("2"), ..player("a") },
            players::Row { club_tenant_id: Some("2"), ..player("b") },
            player("c"),
            players::Row { home_club_tenant_id: Some("9"), ..player("d") },
        ];
        let result = stage::<players::Table>(&rows);
        let people = columns::<people::Table>(&result.people);
        let tenancies: Vec<_> = people.rows().map(|row| (row.tenant_id.map(str::to_owned), row.tenant_rule)).collect();
        let some = |tenant: &str| Some(tenant.to_owned());
        assert_eq!(
            tenancies,
            [
                (some("1"), TenantRule::HomeClub),
                (some("2"), TenantRule::ClubMembership),
                (None, TenantRule::Unknown),
                (some("9"), TenantRule::HomeClub)
            ]
        );
        assert_eq!(people.row(2).phone_key, Some("+27825551234"), "no other region is known");
        assert_eq!(people.row(3).phone_key, None, "a known tenant without a configured region: a value, no key");
        assert_eq!(result.counts[&("tenant_id", Reason::TenantNotConfigured, None)], 1);
        assert_eq!(people.row(0).handicap_at.unwrap().to_string(), "2024-05-01T10:00:00.124Z");
        let strict = crate::sources::staging::StagingOptions { tenantless: some("default"), ..options() };
        let result = stage_after::<players::Table>(&rows[2..3], strict, FirstPass::default());
        assert_eq!(columns::<people::Table>(&result.people).row(0).tenant_id, Some("default"));
    }

    #[test]
    fn a_player_without_any_key_seeds_a_profile_unless_skipped() {
        let row = players::Row { phone: None, ..player("a") };
        let result = stage::<players::Table>(&[row]);
        assert!(columns::<people::Table>(&result.people).row(0).may_found);
        let skipping = crate::sources::staging::StagingOptions { keyless: false, ..options() };
        let result = stage_after::<players::Table>(&[row], skipping, FirstPass::default());
        assert_eq!(columns::<people::Table>(&result.people).row(0).skip_reason, Some(SkipReason::NoKey));
    }

    fn association<'a>(id: &'a str, code: &'a str, number: Option<&'a str>) -> player_associations::Row<'a> {
        player_associations::Row { id, player_id: "a", association_id: "x", association_type: Some(code), external_id: number }
    }

    #[test]
    fn the_first_association_number_of_each_kind_is_the_players() {
        let rows = [
            association("1", "GOLF_RSA", Some("rsa-1")),
            association("2", "golfrsa", Some("RSA-2222")),
            association("3", "MCA", Some("77")),
            association("4", "ENGLAND_GOLF", Some("1001234567")),
            association("5", "DISCOVERY_VITALITY", Some("9988776655")),
            association("6", "MOON_GOLF", Some("12345")),
            association("7", "MCA", None),
            association("8", "CONGU", Some("nope")),
        ];
        let rules = crate::sources::staging::Rules::new(options()).unwrap();
        let mut first_pass = FirstPass::default();
        player_associations::Table::first_pass(&exported::<player_associations::Table>(&rows), &rules, &mut first_pass);
        let result = stage_after::<players::Table>(&[player("a")], options(), first_pass);
        let people = columns::<people::Table>(&result.people);
        let row = people.row(0);
        assert_eq!((row.golf_rsa_id, row.mca_id, row.cdh_id), (Some("RSA-1"), Some("77"), Some("1001234567")));

        let result = stage::<player_associations::Table>(&rows);
        let identifiers = columns::<identifiers::Table>(&result.identifiers);
        let found: Vec<_> = identifiers.rows().map(|row| (row.row_id.to_owned(), row.kind, row.is_key)).collect();
        let kinds = [
            ("1", Some(AliasType::GolfRsaId)),
            ("2", Some(AliasType::GolfRsaId)),
            ("3", Some(AliasType::McaId)),
            ("4", Some(AliasType::CdhId)),
            ("5", None),
            ("6", None),
        ];
        assert_eq!(found, kinds.map(|(id, kind)| (id.to_owned(), kind, kind.is_some())));
        let references = columns::<stage::references::Table>(&result.references);
        assert_eq!(references.rows().map(|row| row.row_id.to_owned()).collect::<Vec<_>>(), ["7", "8"]);
        for reason in [Reason::AssociationFurther, Reason::AssociationUnmapped, Reason::AssociationEmpty, Reason::NumberInvalid] {
            assert_eq!(count(&result, reason), 1, "{reason}");
        }
    }

    #[test]
    fn bookings_are_staged_with_unknown_statuses_as_booked() {
        let booking = |id, status, start_time| bookings::Row {
            id,
            player_id: "unknown",
            course_id: Some("c"),
            course_name: Some("North"),
            club_id: Some("7"),
            club_name: Some("Links"),
            status,
            start_time,
            player_count: Some("4.0"),
            created_at: Some("2026-11-22 08:00:00"),
        };
        let rows = [
            booking("1", Some("No Show"), Some("2026-11-22T08:00:00Z")),
            booking("2", Some("LIMBO"), Some("infinity")),
            booking("3", None, None),
        ];
        let result = stage::<bookings::Table>(&rows);
        let staged = columns::<stage::bookings::Table>(&result.bookings);
        let outcomes: Vec<_> = staged.rows().map(|row| (row.outcome, row.start_at.is_some())).collect();
        assert_eq!(outcomes, [(BookingOutcome::NoShow, true), (BookingOutcome::Booked, false), (BookingOutcome::Booked, false)]);
        assert_eq!(
            result.counts[&("status", Reason::BookingStatusUnmapped, None)],
            2,
            "the blank one too: a rare code is not shown"
        );
        assert_eq!(count(&result, Reason::TimeInfinite), 1);
    }
}
