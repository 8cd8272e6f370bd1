//! Staging of SCL members, their clubs and sports.

use crate::model::date::DateKind;
use crate::model::text::whole;
use crate::model::{Reason, Source, TenantRule, Uuid};
use crate::sources::scl::{clubs, member_clubs, members, membership_tiers, sport_memberships, sports};
use crate::sources::staging::{
    Disposition, Entity, FirstPass, Founding, Home, NamedCell, PersonCells, Rules, StagingContext, row_id, stage_person, status,
};
use crate::tables::stage::{self, club_memberships, people};

impl Entity for members::Table {
    const SOURCE: Source = Source::Scl;
    const ENTITY: &'static str = "members";
    const NEEDS_FIRST_PASS: bool = true;
    const DATES: &'static [(&'static str, DateKind)] = &[("created_at", DateKind::Time), ("updated_at", DateKind::Time)];

    fn id<'a>(row: &members::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn first_pass(columns: &members::Columns, rules: &Rules, first_pass: &mut FirstPass) {
        for row in columns.rows() {
            first_pass.see_zone(&whole(row.id), rules.tenancy(Source::Scl, row.tenant_id, TenantRule::Row).zone);
        }
    }

    fn stage(row: &members::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let id = context.id("id", row.id);
        let (status, status_tag) = status(context, NamedCell::of("status", row.status), Home::None);
        let mut buffers: [String; 3] = Default::default();
        let [status_buffer, tier_buffer, subject_buffer] = &mut buffers;
        let status_text = context.label("status", row.status, status_buffer);
        let membership_tier = context.label("membership_tier", row.membership_tier, tier_buffer);
        let subject = context.subject("external_subject", row.external_subject, subject_buffer);
        let auth_user_id = subject.filter(|subject| is_idp_subject(subject));
        if subject.is_some() && auth_user_id.is_none() {
            context.tally.note("external_subject", Reason::SubjectNotIdp);
        }
        let cells = PersonCells {
            tenancy: context.rules.tenancy(Source::Scl, row.tenant_id, TenantRule::Row),
            founding: Founding::Keyless,
            email: NamedCell::of("email", row.email),
            phone: NamedCell::none(),
            first: NamedCell::of("first_name", row.first_name),
            last: NamedCell::of("last_name", row.last_name),
            gender: NamedCell::none(),
            born: NamedCell::none(),
            handicap: NamedCell::none(),
            golf_rsa_id: NamedCell::none(),
            cdh_id: NamedCell::none(),
            created_on: None,
            club: None,
        };
        let staged = people::Row {
            auth_user_id,
            status: Some(status),
            status_tag,
            status_raw: status_text,
            membership_status: status_text,
            membership_tier,
            created_at: context.utc("created_at", row.created_at),
            updated_at: context.utc("updated_at", row.updated_at),
            ..people::Row::blank(&id)
        };
        stage_person(context, cells, staged);
        Disposition::Staged
    }
}

/// Whether a subject is the identity provider's: `provider|id`, or a UUID.
fn is_idp_subject(subject: &str) -> bool {
    let provider = subject.split_once('|').is_some_and(|(provider, id)| !provider.is_empty() && !id.is_empty());
    provider || (subject.len() == 36 && Uuid::parse_str(subject).is_ok())
}

macro_rules! lookup {
    ($entity:ident) => {
        impl Entity for $entity::Table {
            const SOURCE: Source = Source::Scl;
            const ENTITY: &'static str = stringify!($entity);

            fn id<'a>(row: &$entity::Row<'a>, buffer: &'a mut String) -> &'a str {
                row_id(row.id, buffer)
            }
        }
    };
}

lookup!(membership_tiers);
lookup!(clubs);
lookup!(sports);

impl Entity for member_clubs::Table {
    const SOURCE: Source = Source::Scl;
    const ENTITY: &'static str = "member_clubs";
    const DATES: &'static [(&'static str, DateKind)] = &[("joined_on", DateKind::Day), ("left_on", DateKind::Day)];

    fn id<'a>(row: &member_clubs::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &member_clubs::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let (id, member_id) = (context.id("id", row.id), context.id("member_id", row.member_id));
        let club_id = context.id("club_id", row.club_id);
        let zone = context.first_pass.zone(&member_id);
        let mut club = String::new();
        let staged = club_memberships::Row {
            source_id: &member_id,
            entity: Self::ENTITY,
            row_id: &id,
            club_id: &club_id,
            club_name: context.label("club_name", row.club_name, &mut club),
            label: None,
            is_home: false,
            joined_at: context.midnight("joined_on", row.joined_on, zone),
            left_at: context.end("left_on", row.left_on, zone),
        };
        context.staged.club_membership(staged);
        Disposition::Staged
    }
}

impl Entity for sport_memberships::Table {
    const SOURCE: Source = Source::Scl;
    const ENTITY: &'static str = "sport_memberships";
    const DATES: &'static [(&'static str, DateKind)] = &[("created_at", DateKind::Time), ("updated_at", DateKind::Time)];

    fn id<'a>(row: &sport_memberships::Row<'a>, buffer: &'a mut String) -> &'a str {
        row_id(row.id, buffer)
    }

    fn stage(row: &sport_memberships::Row<'_>, context: &mut StagingContext<'_>) -> Disposition {
        let (mut sport, mut status) = (String::new(), String::new());
        let (id, member_id) = (context.id("id", row.id), context.id("member_id", row.member_id));
        let sport_id = context.id("sport_id", row.sport_id);
        let staged = stage::sport_memberships::Row {
            source_id: &member_id,
            row_id: &id,
            sport_id: &sport_id,
            sport_name: context.label("sport_name", row.sport_name, &mut sport),
            status: context.label("status", row.status, &mut status).unwrap_or_default(),
            created_at: context.utc("created_at", row.created_at),
            updated_at: context.utc("updated_at", row.updated_at),
        };
        context.staged.sport_membership(staged);
        Disposition::Staged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CustomerStatus, Gender};
    use crate::sources::staging::testing::{columns, count, stage};

    fn member<'a>(id: &'a str, first_name: &'a str, status: Option<&'a str>) -> members::Row<'a> {
        members::Row {
            id,
            tenant_id: Some("1"),
            external_subject: None,
            email: None,
            first_name: Some(first_name),
            last_name: Some("Lee"),
            status,
            membership_tier_id: None,
            membership_tier: Some(" Gold "),
            created_at: None,
            updated_at: None,
        }
    }

    #[test]
    fn a_member_keeps_its_status_text_and_a_title_gives_no_gender() {
        let rows = [member("1", "Mrs Ann", Some(" On Hold ")), member("2", "Ann", None), member("3", "Ann", Some("Sabbatical"))];
        let staged = stage::<members::Table>(&rows);
        let people = columns::<people::Table>(&staged.people);
        let first = people.row(0);
        assert_eq!((first.membership_status, first.membership_tier), (Some("On Hold"), Some("Gold")));
        assert_eq!((first.first_name, first.first_name_raw, first.gender), (Some("Ann"), Some("Mrs Ann"), Gender::Unknown));
        assert_eq!(count(&staged, Reason::GenderFromTitle), 0, "gender comes from the legacy members only");
        let statuses: Vec<_> = people.rows().map(|row| row.status).collect();
        assert_eq!(statuses, [Some(CustomerStatus::Inactive); 3], "suspended, blank without a home club, unknown");
        assert_eq!((count(&staged, Reason::StatusBlank), count(&staged, Reason::StatusUnmapped)), (1, 1));
        assert!(people.rows().all(|row| row.may_found), "a member without any key seeds a profile, too");
    }

    #[test]
    fn subjects_of_the_identity_provider_differ_from_legacy_codes() {
        assert!(is_idp_subject("auth0|123"));
        assert!(is_idp_subject("9b2d4c1e-6f3a-4b8e-9c1d-2e3f4a5b6c7d"));
        for code in ["M-00123", "|123", "auth0|", "9b2d4c1e6f3a4b8e9c1d2e3f4a5b6c7d"] {
            assert!(!is_idp_subject(code), "{code}");
        }
    }
}
