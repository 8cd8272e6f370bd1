//! The two legacy member databases: the SQL and the raw datasets differ by region, the mapping to staged rows does not.

mod staging;

use crate::sources::Export;
use crate::table;
use crate::tables::{Label, Text};

table! {
    /// MCA v1 ZA members, as the strategy's query 1a gives them; the last columns are ours.
    pub mod za_members = "raw_mca_za__members", key(mca_za_id) {
        /// `members.id`.
        mca_za_id: Text,
        /// `members.email`.
        email: Option<Text>,
        /// `members.phone`.
        phone_number: Option<Text>,
        /// `members.first_name`.
        first_name: Option<Text>,
        /// `members.last_name`.
        last_name: Option<Text>,
        /// `members.date_of_birth` as text, because legacy dates have many formats.
        date_of_birth: Option<Text>,
        /// `members.gender`.
        gender: Option<Label>,
        /// `members.golf_rsa_id`.
        golf_rsa_id: Option<Text>,
        /// `members.created_at` as text: local time of the source server, or an instant where it has an offset.
        created_at: Option<Text>,
        /// `members.updated_at`, in the same form as `created_at`.
        updated_at: Option<Text>,
        /// `members.status`.
        status: Option<Label>,
        /// Lowest club id among home memberships still open, else the lowest.
        home_club_id: Option<Text>,
        /// Latest handicap valid at as_of, as text.
        handicap: Option<Text>,
        /// The day that handicap is valid from.
        handicap_on: Option<Text>,
        /// Handicaps dated after as_of.
        later_handicap_count: Option<Text>,
        /// Name of the home club.
        home_club_name: Option<Label>,
    }
}

table! {
    /// MCA v1 UK members, as the strategy's query 1b gives them; the last columns are ours.
    pub mod uk_members = "raw_mca_uk__members", key(mca_uk_id) {
        /// `members.id`.
        mca_uk_id: Text,
        /// `members.email`.
        email: Option<Text>,
        /// `members.mobile`.
        phone_number: Option<Text>,
        /// `members.forename`.
        first_name: Option<Text>,
        /// `members.surname`.
        last_name: Option<Text>,
        /// `members.dob` as text.
        date_of_birth: Option<Text>,
        /// `members.gender`.
        gender: Option<Label>,
        /// `members.cdh_id`, the counterpart of the golf_rsa_id.
        cdh_id: Option<Text>,
        /// `members.created_at` as text: local time of the source server, or an instant where it has an offset.
        created_at: Option<Text>,
        /// `members.updated_at`, in the same form as `created_at`.
        updated_at: Option<Text>,
        /// `members.status`.
        status: Option<Label>,
        /// Lowest club id among home memberships still open, else the lowest.
        home_club_id: Option<Text>,
        /// `members.handicap_index` as text.
        handicap: Option<Text>,
        /// Name of the home club.
        home_club_name: Option<Label>,
    }
}

table! {
    /// Clubs of MCA v1 ZA.
    pub mod za_clubs = "raw_mca_za__clubs", key(id) {
        /// `clubs.id`.
        id: Text,
        /// `clubs.name`.
        name: Option<Text>,
        /// `clubs.code`.
        code: Option<Text>,
    }
}

table! {
    /// Clubs of MCA v1 UK.
    pub mod uk_clubs = "raw_mca_uk__clubs", key(id) {
        /// `clubs.id`.
        id: Text,
        /// `clubs.name`.
        name: Option<Text>,
        /// `clubs.club_code`.
        club_code: Option<Text>,
    }
}

table! {
    /// Club memberships of MCA v1 ZA.
    pub mod za_member_clubs = "raw_mca_za__member_clubs", key(member_id, club_id) {
        /// The member.
        member_id: Text,
        /// The club.
        club_id: Text,
        /// The club's name.
        club_name: Option<Label>,
        /// `member_clubs.status`.
        status: Option<Label>,
        /// Whether it is the home club.
        is_home_club: Option<Text>,
        /// Day of joining.
        joined_on: Option<Text>,
        /// Day of leaving.
        left_on: Option<Text>,
    }
}

table! {
    /// Club memberships of MCA v1 UK.
    pub mod uk_memberships = "raw_mca_uk__memberships", key(id) {
        /// `memberships.id`.
        id: Text,
        /// The member.
        member_id: Text,
        /// The club.
        club_id: Text,
        /// The club's name.
        club_name: Option<Label>,
        /// `memberships.membership_type`.
        membership_type: Option<Label>,
        /// Whether it is the home club.
        is_home: Option<Text>,
        /// Day of joining.
        start_on: Option<Text>,
        /// Day of leaving.
        end_on: Option<Text>,
    }
}

table! {
    /// Handicap history of MCA v1 ZA.
    pub mod za_handicaps = "raw_mca_za__handicaps", key(id) {
        /// `handicaps.id`.
        id: Text,
        /// The member.
        member_id: Text,
        /// `handicaps.handicap_index` as text.
        handicap_index: Option<Text>,
        /// The day it is valid from.
        effective_on: Option<Text>,
    }
}

/// The exports of MCA v1 ZA.
pub fn exports_za() -> Vec<Export> {
    vec![
        Export::of::<za_members::Table>("members", include_str!("../../../sql/exports/mca_za/members.sql")).optional(&[
            "handicap_on",
            "later_handicap_count",
            "home_club_name",
        ]),
        Export::of::<za_clubs::Table>("clubs", include_str!("../../../sql/exports/mca_za/clubs.sql")),
        Export::of::<za_member_clubs::Table>("member_clubs", include_str!("../../../sql/exports/mca_za/member_clubs.sql")),
        Export::of::<za_handicaps::Table>("handicaps", include_str!("../../../sql/exports/mca_za/handicaps.sql")),
    ]
}

/// The exports of MCA v1 UK.
pub fn exports_uk() -> Vec<Export> {
    vec![
        Export::of::<uk_members::Table>("members", include_str!("../../../sql/exports/mca_uk/members.sql"))
            .optional(&["home_club_name"]),
        Export::of::<uk_clubs::Table>("clubs", include_str!("../../../sql/exports/mca_uk/clubs.sql")),
        Export::of::<uk_memberships::Table>("memberships", include_str!("../../../sql/exports/mca_uk/memberships.sql")),
    ]
}
