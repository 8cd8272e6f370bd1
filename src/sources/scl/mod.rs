//! SCL, the membership service.

mod staging;

use crate::sources::Export;
use crate::table;
use crate::tables::{Label, Text};

table! {
    /// SCL members with the name of their tier.
    pub mod members = "raw_scl__members", key(id) {
        /// `Member.id`.
        id: Text,
        /// `Member.tenantId`.
        tenant_id: Option<Label>,
        /// `Member.email`.
        email: Option<Text>,
        /// `Member.firstName`.
        first_name: Option<Text>,
        /// `Member.lastName`.
        last_name: Option<Text>,
        /// `Member.externalSubject`: an identity-provider subject, or a legacy code.
        external_subject: Option<Text>,
        /// `Member.status`.
        status: Option<Label>,
        /// `Member.membershipTierId`.
        membership_tier_id: Option<Label>,
        /// Name of the tier.
        membership_tier: Option<Label>,
        /// `Member.createdAt`.
        created_at: Option<Text>,
        /// `Member.updatedAt`.
        updated_at: Option<Text>,
    }
}

table! {
    /// Membership tiers.
    pub mod membership_tiers = "raw_scl__membership_tiers", key(id) {
        /// `MembershipTier.id`.
        id: Text,
        /// `MembershipTier.tenantId`.
        tenant_id: Option<Label>,
        /// `MembershipTier.name`.
        name: Option<Text>,
    }
}

table! {
    /// Clubs.
    pub mod clubs = "raw_scl__clubs", key(id) {
        /// `Club.id`.
        id: Text,
        /// `Club.tenantId`.
        tenant_id: Option<Label>,
        /// `Club.name`.
        name: Option<Text>,
    }
}

table! {
    /// Sports.
    pub mod sports = "raw_scl__sports", key(id) {
        /// `Sport.id`.
        id: Text,
        /// `Sport.name`.
        name: Option<Text>,
    }
}

table! {
    /// Club memberships.
    pub mod member_clubs = "raw_scl__member_clubs", key(id) {
        /// `MemberClub.id`.
        id: Text,
        /// The member.
        member_id: Text,
        /// The club.
        club_id: Text,
        /// The club's name.
        club_name: Option<Label>,
        /// Day of joining.
        joined_on: Option<Text>,
        /// Day of leaving.
        left_on: Option<Text>,
    }
}

table! {
    /// Sport memberships.
    pub mod sport_memberships = "raw_scl__sport_memberships", key(id) {
        /// `SportMembership.id`.
        id: Text,
        /// The member.
        member_id: Text,
        /// The sport.
        sport_id: Text,
        /// The sport's name.
        sport_name: Option<Label>,
        /// `SportMembership.status`.
        status: Option<Label>,
        /// `SportMembership.createdAt`.
        created_at: Option<Text>,
        /// `SportMembership.updatedAt`.
        updated_at: Option<Text>,
    }
}

/// The exports of SCL.
pub fn exports() -> Vec<Export> {
    vec![
        Export::of::<members::Table>("members", include_str!("../../../sql/exports/scl/members.sql")),
        Export::of::<membership_tiers::Table>("membership_tiers", include_str!("../../../sql/exports/scl/membership_tiers.sql")),
        Export::of::<clubs::Table>("clubs", include_str!("../../../sql/exports/scl/clubs.sql")),
        Export::of::<sports::Table>("sports", include_str!("../../../sql/exports/scl/sports.sql")),
        Export::of::<member_clubs::Table>("member_clubs", include_str!("../../../sql/exports/scl/member_clubs.sql")),
        Export::of::<sport_memberships::Table>(
            "sport_memberships",
            include_str!("../../../sql/exports/scl/sport_memberships.sql"),
        ),
    ]
}
