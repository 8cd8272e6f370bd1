//! The columns of a profile that a rule can test.

use crate::coded;
use crate::model::{Code as _, CustomerStatus, Gender, LifecycleStage};

coded! {
    /// A field, spelled as the CRM's column.
    pub enum Field {
        /// Email.
        Email = "email",
        /// Phone in E.164 form.
        PhoneNumber = "phoneNumber",
        /// Subject of the identity provider.
        AuthUserId = "authUserId",
        /// The SCL member.
        SclMemberId = "sclMemberId",
        /// The TeeTime player.
        TeetimePlayerId = "teetimePlayerId",
        /// The Messaging contact.
        MessagingContactId = "messagingContactId",
        /// MCA v1 ZA number.
        McaV1ZaId = "externalIds.mcaV1ZaId",
        /// MCA v1 UK number.
        McaV1UkId = "externalIds.mcaV1UkId",
        /// MCA number of unknown region, as typed by a player.
        McaId = "externalIds.mcaId",
        /// South African handicap number.
        GolfRsaId = "externalIds.golfRsaId",
        /// British and Irish handicap number.
        CdhId = "externalIds.cdhId",
        /// Given name.
        FirstName = "firstName",
        /// Family name.
        LastName = "lastName",
        /// Both names.
        DisplayName = "displayName",
        /// Date of birth.
        DateOfBirth = "dateOfBirth",
        /// Gender.
        Gender = "gender",
        /// Status.
        Status = "status",
        /// Lifecycle stage.
        LifecycleStage = "lifecycleStage",
        /// Tags.
        Tags = "tags",
        /// Handicap index.
        Handicap = "handicap",
        /// When the handicap changed.
        HandicapUpdatedAt = "handicapUpdatedAt",
        /// Home club.
        HomeClubId = "homeClubId",
        /// Home club's name.
        HomeClubName = "homeClubName",
        /// SCL's status.
        MembershipStatus = "membershipStatus",
        /// SCL tier.
        MembershipTier = "membershipTier",
        /// Member since.
        MemberSince = "memberSince",
        /// End of the membership.
        MembershipExpiry = "membershipExpiry",
        /// Whether marketing by email is allowed.
        EmailOptIn = "emailOptIn",
        /// Whether marketing by SMS is allowed.
        SmsOptIn = "smsOptIn",
        /// Whether marketing by push notification is allowed.
        PushOptIn = "pushOptIn",
        /// Whether marketing by WhatsApp is allowed.
        WhatsappOptIn = "whatsappOptIn",
        /// Engagement, 0 to 100.
        EngagementScore = "engagementScore",
        /// Churn risk, 0 to 100.
        ChurnRiskScore = "churnRiskScore",
        /// Spend in cents; missing after a backfill, since no source exports payments.
        LifetimeValue = "lifetimeValue",
        /// Activities in 30 days.
        ActivityCount30d = "activityCount30d",
        /// Activities in 90 days.
        ActivityCount90d = "activityCount90d",
        /// Bookings in 30 days.
        BookingCount30d = "bookingCount30d",
        /// Bookings ever.
        BookingCountTotal = "bookingCountTotal",
        /// Last activity.
        LastActivityAt = "lastActivityAt",
        /// Last booking.
        LastBookingAt = "lastBookingAt",
        /// Last opened email.
        LastEmailOpenAt = "lastEmailOpenAt",
        /// Last click in an email.
        LastEmailClickAt = "lastEmailClickAt",
        /// Service of the profile's seed record.
        Source = "source",
        /// First seen.
        FirstSeenAt = "firstSeenAt",
    }
}

/// The type of a field's value. It decides which operators fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// A word of a closed vocabulary, compared as text.
    Word,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// An instant.
    Instant,
    /// A day without time.
    Day,
    /// A list of texts.
    List,
}

impl FieldKind {
    /// The kind in an error message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Word => "a word of a fixed list",
            Self::Number => "a number",
            Self::Flag => "yes or no",
            Self::Instant => "an instant",
            Self::Day => "a date",
            Self::List => "a list",
        }
    }
}

impl Field {
    /// The type of its value.
    pub fn kind(self) -> FieldKind {
        match self {
            Self::Gender | Self::Status | Self::LifecycleStage => FieldKind::Word,
            Self::SclMemberId
            | Self::Handicap
            | Self::EngagementScore
            | Self::ChurnRiskScore
            | Self::LifetimeValue
            | Self::ActivityCount30d
            | Self::ActivityCount90d
            | Self::BookingCount30d
            | Self::BookingCountTotal => FieldKind::Number,
            Self::EmailOptIn | Self::SmsOptIn | Self::PushOptIn | Self::WhatsappOptIn => FieldKind::Flag,
            Self::HandicapUpdatedAt
            | Self::MemberSince
            | Self::MembershipExpiry
            | Self::LastActivityAt
            | Self::LastBookingAt
            | Self::LastEmailOpenAt
            | Self::LastEmailClickAt
            | Self::FirstSeenAt => FieldKind::Instant,
            Self::DateOfBirth => FieldKind::Day,
            Self::Tags => FieldKind::List,
            _ => FieldKind::Text,
        }
    }

    /// The allowed words of a field with a closed vocabulary.
    pub fn words(self) -> Vec<&'static str> {
        match self {
            Self::Gender => Gender::ALL.iter().map(|word| word.code()).collect(),
            Self::Status => CustomerStatus::ALL.iter().map(|word| word.code()).collect(),
            Self::LifecycleStage => LifecycleStage::ALL.iter().map(|word| word.code()).collect(),
            _ => Vec::new(),
        }
    }
}
