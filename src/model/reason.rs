//! Why a value was cleaned, defaulted, noted or rejected: every code that `check__rejects` and `check__findings` may hold.

use crate::coded;
use crate::model::Code;

coded! {
    /// The effect of a reason on the value or row.
    pub enum Effect {
        /// The value was kept in a better form.
        Cleaned = "CLEANED",
        /// A documented fallback is used.
        Defaulted = "DEFAULTED",
        /// The value became null, or the row was left out.
        Rejected = "REJECTED",
        /// Nothing changed; counted for information.
        Noted = "NOTED",
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $effect:ident;)+) => {
        coded! {
            /// A reason, as docs/codes.md lists them.
            pub enum Reason {
                $($(#[doc = $doc])+ $variant = $code),+
            }
        }

        impl Reason {
            /// Its effect.
            pub fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect),+ }
            }
        }
    };
}

reasons! {
    /// The row has no id; it is listed as `#line`.
    MissingId = "MISSING_ID", Rejected;
    /// The id of an earlier row; it is listed as `id#line`.
    DupSourceId = "DUP_SOURCE_ID", Rejected;
    /// An opt-in on an unknown channel; the row is left out.
    ChannelUnmapped = "CHANNEL_UNMAPPED", Rejected;
    /// A line of a CSV dump with more or fewer fields than its header; the line is left out.
    LineFieldCount = "LINE_FIELD_COUNT", Rejected;
    /// A line of a CSV dump with a quote that never closes; the line is left out, those below are read.
    LineUnmatchedQuote = "LINE_UNMATCHED_QUOTE", Rejected;
    /// A line of a CSV dump with a quote within a field or text behind a closing quote; the line is left out.
    LineStrayQuote = "LINE_STRAY_QUOTE", Rejected;
    /// A line of a CSV dump with a carriage return outside of quotes; the line is left out.
    LineCarriageReturn = "LINE_CARRIAGE_RETURN", Rejected;
    /// A line of a CSV dump that is not text of the declared encoding; the line is left out.
    LineEncoding = "LINE_ENCODING", Rejected;
    /// A line of a CSV dump with a NUL character, which no database stores; the line is left out.
    LineNul = "LINE_NUL", Rejected;
    /// A line of a CSV dump of more than a megabyte; the line is left out.
    LineTooLong = "LINE_TOO_LONG", Rejected;

    /// Control, zero-width or bidirectional characters were removed.
    TextInvisible = "TEXT_INVISIBLE", Cleaned;
    /// Letters and their accents were composed (NFC).
    TextComposed = "TEXT_COMPOSED", Cleaned;
    /// A dump's word for null (`NULL`, `\N`) became null.
    TextNullWord = "TEXT_NULL_WORD", Cleaned;
    /// Escapes (`&#039;`, `\'`, `%27`, `="…"`) were removed.
    TextUnescaped = "TEXT_UNESCAPED", Cleaned;
    /// UTF-8 that was read as Windows-1252 (`RenÃ©e`) was decoded again.
    TextMojibake = "TEXT_MOJIBAKE", Cleaned;
    /// The text is too long to be a real value; it became null.
    TextTooLong = "TEXT_TOO_LONG", Rejected;
    /// The copy of the raw value was cut at 1024 bytes.
    RawCut = "RAW_CUT", Cleaned;
    /// A South African national identity number in the wrong column; it was dropped, also from the raw copy.
    NationalId = "NATIONAL_ID_IN_FIELD", Rejected;

    /// Not a valid email, or only partly valid: no part of it is used.
    EmailInvalid = "EMAIL_INVALID", Rejected;
    /// A placeholder of the junk list.
    EmailPlaceholder = "EMAIL_PLACEHOLDER", Rejected;
    /// A link, a label, a display name, quotes, blanks or punctuation around the email were removed.
    EmailUnwrapped = "EMAIL_UNWRAPPED", Cleaned;
    /// Several emails in one cell: the first is the value, the others are aliases.
    EmailSplit = "EMAIL_SPLIT", Cleaned;
    /// Written with capitals.
    EmailLowered = "EMAIL_LOWERED", Cleaned;
    /// A junk local part at a real domain: kept as a value, not used as a key.
    EmailJunkLocal = "EMAIL_JUNK_LOCAL", Noted;
    /// The email of an office, not of a person: kept as a value, not used as a key.
    EmailRole = "EMAIL_ROLE", Noted;

    /// Not a telephone number in any known form.
    PhoneInvalid = "PHONE_INVALID", Rejected;
    /// A placeholder, one repeated digit, or fewer than seven digits.
    PhoneJunk = "PHONE_JUNK", Rejected;
    /// Scientific notation: the digits are lost.
    PhoneScientific = "PHONE_SCIENTIFIC", Rejected;
    /// Only the strategy's rule accepts it: kept as a value, not used as a key.
    PhoneStrategyOnly = "PHONE_STRATEGY_ONLY", Noted;
    /// The leading zero was lost and is restored.
    PhoneZeroRestored = "PHONE_ZERO_RESTORED", Cleaned;
    /// The plus of an international number was lost and is restored.
    PhonePlusRestored = "PHONE_PLUS_RESTORED", Cleaned;
    /// Written with the prefix 09 that left South Africa until 2007.
    PhoneOldPrefix = "PHONE_OLD_PREFIX", Cleaned;
    /// Written nationally for another configured region, the only one it is valid in: kept as a value, not used as a key.
    PhoneOtherRegion = "PHONE_OTHER_REGION", Noted;
    /// Written nationally by a record without a tenant, valid in one configured region only.
    PhoneRegionGuessed = "PHONE_REGION_GUESSED", Cleaned;
    /// Read from the bare digits alone: kept as a value, not used as a key.
    PhoneDigitsOnly = "PHONE_DIGITS_ONLY", Noted;
    /// Several numbers in one cell: the first valid one is the value, the others are aliases.
    PhoneSplit = "PHONE_SPLIT", Cleaned;
    /// Words or an extension around the number were cut.
    PhoneWordsCut = "PHONE_WORDS_CUT", Cleaned;
    /// Premium rate: kept as a value, not used as a key.
    PhonePremium = "PHONE_PREMIUM", Noted;
    /// A distinct number on which a second library disagrees; counted by the report.
    PhoneSecondOpinion = "PHONE_SECOND_OPINION", Noted;

    /// A placeholder of the junk list.
    NameJunk = "NAME_JUNK", Rejected;
    /// Contains no letter.
    NameNoLetters = "NAME_NO_LETTERS", Rejected;
    /// A title was cut; a title alone is not a given name.
    NameTitle = "NAME_TITLE_CUT", Cleaned;
    /// `Family, Given` in one column was split.
    NameSplit = "NAME_SPLIT", Cleaned;
    /// A generation suffix (Jnr, Snr, II) was read; it stays in the name and tells two people apart.
    NameSuffix = "NAME_SUFFIX", Noted;

    /// Not a day of the calendar, or no known format.
    DateInvalid = "DATE_INVALID", Rejected;
    /// A placeholder of the junk list, a date of zeros, or a listed day that too many records share.
    DatePlaceholder = "DATE_PLACEHOLDER", Rejected;
    /// After as_of.
    DateFuture = "DATE_FUTURE", Rejected;
    /// More than 105 years before as_of.
    DateTooOld = "DATE_TOO_OLD", Rejected;
    /// The day on which the record was created.
    DateIsCreated = "DATE_IS_CREATED", Rejected;
    /// PostgreSQL's infinity.
    DateInfinite = "DATE_INFINITE", Rejected;
    /// A spreadsheet's day number.
    DateSerial = "DATE_SERIAL", Cleaned;
    /// Seconds or milliseconds since 1970.
    DateEpoch = "DATE_EPOCH", Cleaned;
    /// A year of two digits.
    DateTwoDigitYear = "DATE_TWO_DIGIT_YEAR", Cleaned;
    /// A day written as an instant of another day in UTC.
    DateShifted = "DATE_SHIFTED", Cleaned;
    /// Month before day, as shown by the column or the date itself.
    DateMonthFirst = "DATE_MONTH_FIRST", Cleaned;
    /// Ambiguous, and no date of the column shows the order: read day first.
    DateDayFirstAssumed = "DATE_DAY_FIRST_ASSUMED", Defaulted;

    /// PostgreSQL's infinity.
    TimeInfinite = "TIME_INFINITE", Rejected;
    /// Not in any known format of an instant.
    TimeInvalid = "TIME_INVALID", Rejected;
    /// Before the year 1901 or from 9999 on, in UTC.
    TimeOutOfRange = "TIME_OUT_OF_RANGE", Rejected;
    /// Local time that exists twice: the earlier offset.
    TimeAmbiguous = "TIME_AMBIGUOUS", Cleaned;
    /// Local time that does not exist: the offset before the gap.
    TimeGap = "TIME_GAP", Cleaned;
    /// Local time of a tenant without a configured zone: read as UTC.
    ZoneUnknown = "ZONE_UNKNOWN", Defaulted;
    /// An end after as_of, or without end (`infinity`, 9999-12-31): still open.
    EndOpen = "END_OPEN", Noted;

    /// Not a number.
    HandicapInvalid = "HANDICAP_INVALID", Rejected;
    /// A word or number that means none.
    HandicapSentinel = "HANDICAP_SENTINEL", Rejected;
    /// Beyond 54.0 or better than plus ten.
    HandicapOutOfRange = "HANDICAP_OUT_OF_RANGE", Rejected;
    /// A nine-hole (N) or junior (J) handicap.
    HandicapNotComparable = "HANDICAP_NOT_COMPARABLE", Rejected;
    /// Exactly zero in a file where zero stands for none.
    HandicapZeroMissing = "HANDICAP_ZERO_MISSING", Rejected;
    /// A marker letter was cut.
    HandicapMarker = "HANDICAP_MARKER", Cleaned;
    /// A decimal comma.
    HandicapComma = "HANDICAP_COMMA", Cleaned;
    /// Printed with a plus, stored as a negative.
    HandicapPlus = "HANDICAP_PLUS", Cleaned;
    /// More than one decimal, rounded half away from zero.
    HandicapRounded = "HANDICAP_ROUNDED", Cleaned;
    /// Negative in the source, taken as a plus handicap.
    HandicapSignAssumed = "HANDICAP_SIGN_ASSUMED", Noted;
    /// Dated after as_of, not used.
    HandicapLater = "HANDICAP_LATER", Noted;

    /// Not in the form of such numbers.
    NumberInvalid = "NUMBER_INVALID", Rejected;
    /// Scientific notation: the digits are lost.
    NumberScientific = "NUMBER_SCIENTIFIC", Rejected;
    /// A placeholder of the junk list.
    NumberPlaceholder = "NUMBER_PLACEHOLDER", Rejected;
    /// Blanks and a spreadsheet's `.0` were removed or letters made capital.
    NumberCleaned = "NUMBER_CLEANED", Cleaned;
    /// A CDH number that is not of ten digits.
    CdhLength = "CDH_LENGTH", Noted;
    /// An unknown association: kept under its code, not used as a key.
    AssociationUnmapped = "ASSOCIATION_UNMAPPED", Defaulted;
    /// An association without a number.
    AssociationEmpty = "ASSOCIATION_EMPTY", Noted;
    /// A second number of the same kind; kept as an alias.
    AssociationFurther = "ASSOCIATION_FURTHER", Noted;

    /// A placeholder instead of a subject.
    SubjectPlaceholder = "SUBJECT_PLACEHOLDER", Rejected;
    /// A legacy code, not a subject of the identity provider.
    SubjectNotIdp = "SUBJECT_NOT_IDP", Noted;

    /// An unknown gender: UNKNOWN.
    GenderUnmapped = "GENDER_UNMAPPED", Defaulted;
    /// The column is empty; taken from the title.
    GenderFromTitle = "GENDER_FROM_TITLE", Cleaned;
    /// `g`, decided by the other values of the column (gent next to l, girl next to b).
    GenderByColumn = "GENDER_BY_COLUMN", Cleaned;
    /// An unknown status: INACTIVE.
    StatusUnmapped = "STATUS_UNMAPPED", Defaulted;
    /// No status: ACTIVE with a home club, else INACTIVE.
    StatusBlank = "STATUS_BLANK", Defaulted;
    /// An unknown booking status: TEETIME_BOOKED.
    BookingStatusUnmapped = "BOOKING_STATUS_UNMAPPED", Defaulted;
    /// An unknown message status: MESSAGE_SENT.
    MessageStatusUnmapped = "MESSAGE_STATUS_UNMAPPED", Defaulted;
    /// An unknown channel of a message: null.
    MessageChannelUnmapped = "MESSAGE_CHANNEL_UNMAPPED", Defaulted;
    /// An unknown scope: kept in lower case.
    ScopeVerbatim = "SCOPE_VERBATIM", Noted;

    /// Neither yes nor no by `data/reference/booleans.csv`: null, or no where the column must have a value.
    BooleanInvalid = "BOOLEAN_INVALID", Rejected;
    /// Not a whole number.
    IntegerInvalid = "INTEGER_INVALID", Rejected;
    /// An id written as `17.0` or `1,017` was read as the whole number it is, `{9B2D4C1E-…}` as the UUID it is.
    IdInteger = "ID_INTEGER", Cleaned;

    /// The tenant is not known.
    TenantUnknown = "TENANT_UNKNOWN", Defaulted;
    /// A tenant without a phone region and zone in the configuration; accepted as itself.
    TenantNotConfigured = "TENANT_NOT_CONFIGURED", Noted;

    /// A deletion date that cannot be read: the contact counts as deleted until it is decided (`check__manual_review`).
    DeletedUnreadable = "DELETED_AT_UNREADABLE", Rejected;
    /// A preference, logged change or flag that is neither yes nor no: a withdrawal until it is decided (`check__manual_review`).
    ConsentUnreadable = "CONSENT_UNREADABLE", Rejected;
    /// An opt-out on an unknown channel: applied to all four.
    RefusalUnmapped = "REFUSAL_UNMAPPED", Defaulted;
    /// Consent for a channel without consent in the CRM (voice, post, in person).
    ConsentNoTarget = "CONSENT_NO_TARGET", Noted;
    /// Evidence dated after as_of: dated at as_of. As an opt-in it lifts no withdrawal.
    ConsentFuture = "CONSENT_FUTURE", Cleaned;
    /// Evidence without a date: dated at as_of.
    ConsentUndated = "CONSENT_UNDATED", Defaulted;
    /// A withdrawal or deletion in a row whose id came before: it counts as well.
    ConsentRepeated = "CONSENT_REPEATED", Noted;
}

impl Reason {
    /// Whether it rejects the whole row when it is given without a column.
    pub fn leaves_row_out(self) -> bool {
        matches!(self, Self::MissingId | Self::DupSourceId | Self::ChannelUnmapped) || self.is_of_a_line()
    }

    /// Whether it concerns a line of a CSV dump that is not a record.
    pub fn is_of_a_line(self) -> bool {
        matches!(
            self,
            Self::LineFieldCount
                | Self::LineUnmatchedQuote
                | Self::LineStrayQuote
                | Self::LineCarriageReturn
                | Self::LineEncoding
                | Self::LineNul
                | Self::LineTooLong
        )
    }

    /// Whether it means that a code is in no map of `data/reference`, so that an operator may want to add it.
    pub fn is_unknown_code(self) -> bool {
        matches!(
            self,
            Self::ChannelUnmapped
                | Self::RefusalUnmapped
                | Self::AssociationUnmapped
                | Self::GenderUnmapped
                | Self::StatusUnmapped
                | Self::BookingStatusUnmapped
                | Self::MessageStatusUnmapped
                | Self::MessageChannelUnmapped
                | Self::ScopeVerbatim
                | Self::TenantNotConfigured
        )
    }
}

/// A set of reasons, gathered while one value is read; no allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(u128);

impl Reasons {
    /// Adds a reason.
    pub fn insert(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u32;
    }

    /// Adds every reason of another set.
    pub fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Whether a reason is in the set.
    pub fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u32) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons in the order of docs/codes.md.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let next = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(Reason::ALL[next as usize])
        })
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self(1 << reason as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_fit_their_set() {
        const { assert!(Reason::ALL.len() <= 128) };
        let mut set = Reasons::default();
        Reason::ALL.iter().for_each(|&reason| set.insert(reason));
        assert!(set.iter().eq(Reason::ALL.iter().copied()));
    }
}
