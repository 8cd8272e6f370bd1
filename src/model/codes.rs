//! Every closed vocabulary of the datasets and of the CRM.

use crate::coded;

coded! {
    /// `CustomerProfile.status`.
    pub enum CustomerStatus {
        /// A customer in good standing, or one that no membership system knows.
        Active = "ACTIVE",
        /// A lapsed, suspended, pending or deceased member.
        Inactive = "INACTIVE",
        /// Replaced by another profile (`mergedIntoId`).
        Merged = "MERGED",
    }
}

coded! {
    /// `CustomerProfile.lifecycleStage`, in rising order except for the last.
    pub enum LifecycleStage {
        /// Known to Messaging only.
        Subscriber = "SUBSCRIBER",
        /// The CRM's default; the backfill never gives it.
        Lead = "LEAD",
        /// A player without a booking.
        Prospect = "PROSPECT",
        /// A legacy member, a lapsed SCL member, or a player who booked.
        Customer = "CUSTOMER",
        /// An SCL member in good standing.
        Member = "MEMBER",
        /// Given by people only.
        Advocate = "ADVOCATE",
        /// Given by people only.
        Churned = "CHURNED",
    }
}

coded! {
    /// `CustomerProfile.gender`.
    pub enum Gender {
        /// Male.
        Male = "MALE",
        /// Female.
        Female = "FEMALE",
        /// Neither.
        Other = "OTHER",
        /// Not said, or not understood.
        Unknown = "UNKNOWN",
    }
}

coded! {
    /// A member status more precise than active or inactive; becomes a tag of the profile.
    pub enum StatusTag {
        /// Owes a fee.
        Arrears = "arrears",
        /// Barred, frozen or on hold.
        Suspended = "suspended",
        /// Applied, not yet a member.
        Pending = "pending",
        /// Has died: suppressed on every channel.
        Deceased = "deceased",
    }
}

coded! {
    /// The generation in the suffix of a name.
    pub enum NameSuffix {
        /// Snr, Senior.
        Senior = "SNR",
        /// Jnr, Junior.
        Junior = "JNR",
        /// II, 2nd.
        Second = "II",
        /// III, 3rd.
        Third = "III",
        /// IV, 4th.
        Fourth = "IV",
    }
}

/// The tag of a profile whose handicap dates from before its region took up the World Handicap System: not comparable with later
/// ones.
pub const PRE_WHS: &str = "pre_whs";
/// The tag of a profile whose email returned a hard bounce to the last message.
pub const EMAIL_BOUNCED: &str = "email_bounced";
/// The tag of a profile whose phone returned a hard bounce to the last message.
pub const PHONE_BOUNCED: &str = "phone_bounced";

coded! {
    /// `IdentityAlias.type`.
    pub enum AliasType {
        /// A normalised email.
        Email = "EMAIL",
        /// An E.164 number.
        Phone = "PHONE",
        /// A subject of the identity provider.
        AuthUserId = "AUTH_USER_ID",
        /// SCL `Member.id`.
        SclMemberId = "SCL_MEMBER_ID",
        /// TeeTime `Player.id`.
        TeetimePlayerId = "TEETIME_PLAYER_ID",
        /// Messaging `Contact.id`.
        MessagingContactId = "MESSAGING_CONTACT_ID",
        /// MCA v1 ZA `members.id`.
        McaV1ZaId = "MCA_V1_ZA_ID",
        /// MCA v1 UK `members.id`.
        McaV1UkId = "MCA_V1_UK_ID",
        /// The MCA number that a player quotes.
        McaId = "MCA_ID",
        /// The South African handicap number.
        GolfRsaId = "GOLF_RSA_ID",
        /// The British and Irish handicap number.
        CdhId = "CDH_ID",
    }
}

coded! {
    /// `Activity.category`.
    pub enum ActivityCategory {
        /// Joining, leaving, membership created.
        Membership = "MEMBERSHIP",
        /// Tee times.
        Booking = "BOOKING",
        /// Messages.
        Communication = "COMMUNICATION",
        /// Consent given or withdrawn.
        Consent = "CONSENT",
        /// Handicaps.
        Golf = "GOLF",
        /// Payments; no source exports them.
        Payment = "PAYMENT",
        /// Changes of the profile.
        Profile = "PROFILE",
        /// Support cases.
        Support = "SUPPORT",
        /// Anything else.
        Other = "OTHER",
    }
}

coded! {
    /// The channels that consent is given for; also those of messages.
    pub enum Channel {
        /// E-mail.
        Email = "EMAIL",
        /// Text message.
        Sms = "SMS",
        /// Push notification.
        Push = "PUSH",
        /// WhatsApp.
        Whatsapp = "WHATSAPP",
    }
}

coded! {
    /// The channel of an activity: the consent channels, and the channels for which the CRM keeps no consent.
    pub enum ActivityChannel {
        /// E-mail.
        Email = "EMAIL",
        /// Text message.
        Sms = "SMS",
        /// Push notification.
        Push = "PUSH",
        /// WhatsApp.
        Whatsapp = "WHATSAPP",
        /// A telephone call.
        Voice = "VOICE",
        /// A letter.
        Post = "POST",
        /// At the counter.
        InPerson = "IN_PERSON",
    }
}

coded! {
    /// `MarketingConsent.status`.
    pub enum ConsentStatus {
        /// May be contacted.
        OptedIn = "OPTED_IN",
        /// May not be contacted.
        OptedOut = "OPTED_OUT",
    }
}

coded! {
    /// `Activity.type` of a message, derived from the message's status.
    pub enum MessageKind {
        /// Waiting to be sent.
        Queued = "MESSAGE_QUEUED",
        /// Handed to the carrier.
        Sent = "MESSAGE_SENT",
        /// Reported as delivered.
        Delivered = "MESSAGE_DELIVERED",
        /// Opened or read.
        Opened = "MESSAGE_OPENED",
        /// A link was followed.
        Clicked = "MESSAGE_CLICKED",
        /// Came from the person.
        Received = "MESSAGE_RECEIVED",
        /// Bounced.
        Bounced = "MESSAGE_BOUNCED",
        /// Was never sent.
        Failed = "MESSAGE_FAILED",
        /// Led to a withdrawal.
        Unsubscribed = "MESSAGE_UNSUBSCRIBED",
        /// Was reported as spam.
        Complained = "MESSAGE_COMPLAINED",
    }
}

coded! {
    /// The outcome of a booking.
    pub enum BookingOutcome {
        /// Booked, confirmed, paid or held.
        Booked = "TEETIME_BOOKED",
        /// Played.
        Completed = "TEETIME_COMPLETED",
        /// Cancelled or refunded.
        Cancelled = "TEETIME_CANCELLED",
        /// The players did not appear.
        NoShow = "TEETIME_NO_SHOW",
    }
}

coded! {
    /// Kind of phone number; decides how strongly it identifies one person.
    pub enum PhoneClass {
        /// A mobile number.
        Mobile = "MOBILE",
        /// A geographic number: a household or an office.
        Fixed = "FIXED",
        /// Shared cost, voice over IP, non-geographic.
        Shared = "SHARED",
        /// Premium rate.
        Premium = "PREMIUM",
    }
}

coded! {
    /// The origin of a record's tenant.
    pub enum TenantRule {
        /// The source belongs to one tenant (`[tenants] mca_za`).
        Region = "REGION",
        /// The row contains it.
        Row = "ROW",
        /// The player's home club belongs to it.
        HomeClub = "HOME_CLUB",
        /// The only tenant among the player's club memberships.
        ClubMembership = "CLUB_MEMBERSHIP",
        /// Not known.
        Unknown = "UNKNOWN",
    }
}

coded! {
    /// The evidence that links a record to its profile: `res__links.rule`.
    pub enum LinkRule {
        /// The seed record, from which the profile's id is derived.
        Founder = "FOUNDER",
        /// A person decided it (`decisions.csv`).
        Decision = "DECISION",
        /// Same subject of the identity provider.
        AuthUserId = "AUTH_USER_ID",
        /// Same South African handicap number.
        GolfRsaId = "GOLF_RSA_ID",
        /// Same British and Irish handicap number.
        CdhId = "CDH_ID",
        /// The player quotes the number of a legacy member record.
        McaId = "MCA_ID",
        /// Same email and same phone.
        EmailPhone = "EMAIL_PHONE",
        /// Same email.
        Email = "EMAIL",
        /// Same phone.
        Phone = "PHONE",
        /// Same name and birth date.
        NameDob = "NAME_DOB",
        /// Same name, emails that differ in one letter.
        NearEmail = "NEAR_EMAIL",
        /// Same name, phones with two digits swapped.
        NearPhone = "NEAR_PHONE",
        /// Belongs to no profile; the evidence column holds the reason.
        Skipped = "SKIPPED",
    }
}

coded! {
    /// The outcome of an exported row.
    pub enum Outcome {
        /// A CRM row has it as its source.
        Loaded = "LOADED",
        /// Used in a CRM row whose source is another record.
        Merged = "MERGED",
        /// Left out for a documented reason.
        Skipped = "SKIPPED",
        /// Could not be read.
        Rejected = "REJECTED",
    }
}

coded! {
    /// Why an exported row was left out.
    pub enum SkipReason {
        /// A look-up row that only gives names to other rows: clubs, courses, sports, tiers.
        Reference = "REFERENCE",
        /// The CRM has no place for it.
        NoTarget = "NO_TARGET",
        /// A stronger or later row decided.
        Superseded = "SUPERSEDED",
        /// A legacy member without an email or a valid phone, linked to no other record.
        NoEmailNoPhone = "NO_EMAIL_NO_PHONE",
        /// A contact without an email, a phone or a subject.
        NoKey = "NO_KEY",
        /// Deleted in its source; withdrawals still count.
        Deleted = "DELETED",
        /// Its person belongs to a tenant that the pilot leaves out.
        OtherTenant = "OTHER_TENANT",
        /// Its person has no profile.
        Unresolved = "UNRESOLVED",
        /// Older than the look-back.
        OutOfWindow = "OUT_OF_WINDOW",
        /// Without the date that would place it on the timeline.
        NoDate = "NO_DATE",
        /// Belongs to a later phase than this run.
        LaterPhase = "LATER_PHASE",
    }
}

coded! {
    /// The rule that chose a field's value among a profile's records: `crm__field_provenance.rule`.
    pub enum SurvivorshipRule {
        /// The value of the seed record (`[survivorship] contact = "founding"`).
        Founding = "FOUNDING",
        /// The first record with a value, in the field's order of sources.
        SourceOrder = "SOURCE_ORDER",
        /// The record of the service that is current.
        Current = "CURRENT",
        /// The first record with a value.
        FirstNonEmpty = "FIRST_NON_EMPTY",
        /// The value that more than one record has.
        Agreed = "AGREED",
        /// The latest value; of association numbers, those of players before those of legacy members.
        MostRecent = "MOST_RECENT",
        /// The earliest or smallest value.
        Min = "MIN",
        /// The highest value.
        Max = "MAX",
        /// INACTIVE where a record says that the person died; else ACTIVE where any member record is, else INACTIVE.
        Restrictive = "RESTRICTIVE",
        /// The values of all records together.
        Union = "UNION",
        /// No record has a date: the as-of time.
        AsOf = "AS_OF",
    }
}
