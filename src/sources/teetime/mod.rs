//! TeeTime, the booking service.

mod staging;

use crate::sources::Export;
use crate::table;
use crate::tables::{Label, Text};

table! {
    /// Players with their home club.
    pub mod players = "raw_teetime__players", key(id) {
        /// `Player.id`.
        id: Text,
        /// `Player.email`.
        email: Option<Text>,
        /// `Player.phone`.
        phone: Option<Text>,
        /// `Player.name`, the given name.
        name: Option<Text>,
        /// `Player.surname`.
        surname: Option<Text>,
        /// `Player.handicap` as text.
        handicap: Option<Text>,
        /// `Player.handicapUpdatedAt`.
        handicap_updated_at: Option<Text>,
        /// `Player.homeClubId`.
        home_club_id: Option<Text>,
        /// The home club's name.
        home_club_name: Option<Label>,
        /// The home club's tenant.
        home_club_tenant_id: Option<Label>,
        /// The tenant of all clubs the player is a member of; null when there are none or several.
        club_tenant_id: Option<Label>,
        /// `Player.createdAt`.
        created_at: Option<Text>,
        /// `Player.updatedAt`.
        updated_at: Option<Text>,
        /// When the player first booked, also before the look-back; null without any booking.
        first_booking_at: Option<Text>,
    }
}

table! {
    /// Clubs.
    pub mod clubs = "raw_teetime__clubs", key(id) {
        /// `Club.id`.
        id: Text,
        /// `Club.tenantId`.
        tenant_id: Option<Label>,
        /// `Club.name`.
        name: Option<Text>,
    }
}

table! {
    /// Courses.
    pub mod courses = "raw_teetime__courses", key(id) {
        /// `Course.id`.
        id: Text,
        /// The club.
        club_id: Option<Text>,
        /// `Course.name`.
        name: Option<Text>,
    }
}

table! {
    /// Club memberships of players.
    pub mod player_club_memberships = "raw_teetime__player_club_memberships", key(id) {
        /// `PlayerClubMembership.id`.
        id: Text,
        /// The player.
        player_id: Text,
        /// The club.
        club_id: Text,
    }
}

table! {
    /// Associations.
    pub mod associations = "raw_teetime__associations", key(id) {
        /// `Association.id`.
        id: Text,
        /// `Association.associationType`.
        association_type: Option<Label>,
        /// `Association.name`.
        name: Option<Text>,
    }
}

table! {
    /// The numbers that associations gave to players.
    pub mod player_associations = "raw_teetime__player_associations", key(id) {
        /// `PlayerAssociation.id`.
        id: Text,
        /// The player.
        player_id: Text,
        /// The association.
        association_id: Text,
        /// The association's type.
        association_type: Option<Label>,
        /// `PlayerAssociation.externalId`.
        external_id: Option<Text>,
    }
}

table! {
    /// Preferences of players.
    pub mod player_preferences = "raw_teetime__player_preferences", key(id) {
        /// `PlayerPreference.id`.
        id: Text,
        /// The player.
        player_id: Text,
        /// `PlayerPreference.key`.
        key: Option<Label>,
        /// `PlayerPreference.value`.
        value: Option<Text>,
    }
}

table! {
    /// Tee times of the look-back window (`TeeTime`), with course and club.
    pub mod bookings = "raw_teetime__bookings", key(id) {
        /// `TeeTime.id`.
        id: Text,
        /// The player.
        player_id: Text,
        /// The course.
        course_id: Option<Label>,
        /// The course's name.
        course_name: Option<Label>,
        /// The course's club.
        club_id: Option<Label>,
        /// The club's name.
        club_name: Option<Label>,
        /// `TeeTime.status`.
        status: Option<Label>,
        /// `TeeTime.startTime`.
        start_time: Option<Text>,
        /// `TeeTime.playerCount`.
        player_count: Option<Text>,
        /// `TeeTime.createdAt`.
        created_at: Option<Text>,
    }
}

/// The exports of TeeTime.
pub fn exports() -> Vec<Export> {
    vec![
        Export::of::<players::Table>("players", include_str!("../../../sql/exports/teetime/players.sql"))
            .optional(&["first_booking_at"]),
        Export::of::<clubs::Table>("clubs", include_str!("../../../sql/exports/teetime/clubs.sql")),
        Export::of::<courses::Table>("courses", include_str!("../../../sql/exports/teetime/courses.sql")),
        Export::of::<player_club_memberships::Table>(
            "player_club_memberships",
            include_str!("../../../sql/exports/teetime/player_club_memberships.sql"),
        ),
        Export::of::<associations::Table>("associations", include_str!("../../../sql/exports/teetime/associations.sql")),
        Export::of::<player_associations::Table>(
            "player_associations",
            include_str!("../../../sql/exports/teetime/player_associations.sql"),
        ),
        Export::of::<player_preferences::Table>(
            "player_preferences",
            include_str!("../../../sql/exports/teetime/player_preferences.sql"),
        ),
        Export::of::<bookings::Table>("bookings", include_str!("../../../sql/exports/teetime/bookings.sql"))
            .windowed(include_str!("../../../sql/exports/teetime/bookings.left_out.sql")),
    ]
}
