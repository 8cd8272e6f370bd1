//! The columns of a profile that a rule may ask for.

use crate::coded;
use crate::model::{Code as _, CustomerStatus, Gender, LifecycleStage};

coded! {
    /// A field, spelled as the CRM's column.
    pub enum Field {
        /// Best current address.
        Email = "email",
        /// Best current number.
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
        /// MCA number that a player quotes.
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
        /// May be e-mailed.
        EmailOptIn = "emailOptIn",
        /// May be texted.
        SmsOptIn = "smsOptIn",
        /// May be sent push notifications.
        PushOptIn = "pushOptIn",
        /// May be messaged on WhatsApp.
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
        /// Latest activity.
        LastActivityAt = "lastActivityAt",
        /// Latest booking.
        LastBookingAt = "lastBookingAt",
        /// Latest opened e-mail.
        LastEmailOpenAt = "lastEmailOpenAt",
        /// Latest click in an e-mail.
        LastEmailClickAt = "lastEmailClickAt",
        /// Service that founded the profile.
        Source = "source",
        /// First seen.
        FirstSeenAt = "firstSeenAt",
    }
}

/// What kind of value a field has; decides which operators fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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

impl Kind {
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
    /// What kind of value it has.
    pub fn kind(self) -> Kind {
        match self {
            Self::Gender | Self::Status | Self::LifecycleStage => Kind::Word,
            Self::SclMemberId
            | Self::Handicap
            | Self::EngagementScore
            | Self::ChurnRiskScore
            | Self::LifetimeValue
            | Self::ActivityCount30d
            | Self::ActivityCount90d
            | Self::BookingCount30d
            | Self::BookingCountTotal => Kind::Number,
            Self::EmailOptIn | Self::SmsOptIn | Self::PushOptIn | Self::WhatsappOptIn => Kind::Flag,
            Self::HandicapUpdatedAt
            | Self::MemberSince
            | Self::MembershipExpiry
            | Self::LastActivityAt
            | Self::LastBookingAt
            | Self::LastEmailOpenAt
            | Self::LastEmailClickAt
            | Self::FirstSeenAt => Kind::Instant,
            Self::DateOfBirth => Kind::Day,
            Self::Tags => Kind::List,
            _ => Kind::Text,
        }
    }

    /// The words of a closed vocabulary.
    pub fn words(self) -> Vec<&'static str> {
        match self {
            Self::Gender => Gender::ALL.iter().map(|word| word.code()).collect(),
            Self::Status => CustomerStatus::ALL.iter().map(|word| word.code()).collect(),
            Self::LifecycleStage => LifecycleStage::ALL.iter().map(|word| word.code()).collect(),
            _ => Vec::new(),
        }
    }
}
