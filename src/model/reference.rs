//! The code maps and junk lists of `data/reference`, which give the meaning of a source's codes. An operator may extend them.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::spreadsheet::{Spreadsheet, is_wide};
use crate::model::text::{FoldedCode, clean, fold_name, whole};
use crate::model::{
    ActivityChannel, AliasType, BookingOutcome, Channel, Code, CustomerStatus, Gender, MessageKind, Reasons, StatusTag,
};

/// A code map that cannot be used, with the faulty line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file} line {line}: {what}")]
pub struct ReferenceError {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// The problem.
    pub what: String,
}

/// Words folded by [`FoldedCode`] and what they mean.
#[derive(Clone, Debug)]
pub struct CodeMap<T>(HashMap<String, T, FixedState>);

impl<T: Clone> CodeMap<T> {
    /// The meaning of a word; `None` for unknown words and blanks.
    pub fn get(&self, word: &str) -> Option<&T> {
        self.0.get(FoldedCode::of(word).as_str())
    }
}

/// The meaning of a word for a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelWord {
    /// Every channel that consent is given for.
    All,
    /// One channel.
    One(ActivityChannel),
}

impl ChannelWord {
    /// The consent channels it stands for; empty for voice, post and the counter.
    pub fn consent(self) -> &'static [Channel] {
        match self {
            Self::All => Channel::ALL,
            Self::One(ActivityChannel::Email) => &[Channel::Email],
            Self::One(ActivityChannel::Sms) => &[Channel::Sms],
            Self::One(ActivityChannel::Push) => &[Channel::Push],
            Self::One(ActivityChannel::Whatsapp) => &[Channel::Whatsapp],
            Self::One(ActivityChannel::Voice | ActivityChannel::Post | ActivityChannel::InPerson) => &[],
        }
    }
}

/// Placeholders, offices and titles.
#[derive(Clone, Debug, Default)]
pub struct Junk {
    words: HashMap<(JunkKind, String), (), FixedState>,
    prefixes: Vec<(JunkKind, String)>,
    longest: usize,
}

/// The kind of value that an entry of the junk list applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JunkKind {
    /// A local part that does not identify a person.
    EmailLocal,
    /// A domain without real mailboxes.
    EmailDomain,
    /// A domain without real mailboxes, if the local part is junk, too.
    EmailDomainIfLocal,
    /// A local part of an office.
    RoleLocal,
    /// A placeholder number, digits only.
    Phone,
    /// A placeholder for a name.
    Name,
    /// A placeholder for a name, unless the other name is real.
    NamePair,
    /// A title before a name.
    Title,
    /// A placeholder for a birth date.
    Born,
    /// A placeholder for a birth date where too many records share it.
    BornIfFrequent,
    /// A placeholder for an identifier.
    Id,
}

impl JunkKind {
    const ALL: [(Self, &str); 11] = [
        (Self::EmailLocal, "email_local"),
        (Self::EmailDomain, "email_domain"),
        (Self::EmailDomainIfLocal, "email_domain_if_local"),
        (Self::RoleLocal, "role_local"),
        (Self::Phone, "phone"),
        (Self::Name, "name"),
        (Self::NamePair, "name_pair"),
        (Self::Title, "title"),
        (Self::Born, "born"),
        (Self::BornIfFrequent, "born_if_frequent"),
        (Self::Id, "id"),
    ];
}

impl Junk {
    /// Whether the list holds the word, which must be in lower case.
    pub fn has(&self, kind: JunkKind, word: &str) -> bool {
        if word.len() <= self.longest && self.words.contains_key(&JunkQuery(kind, word)) {
            return true;
        }
        self.prefixes.iter().any(|(listed, prefix)| *listed == kind && word.starts_with(prefix.as_str()))
    }

    fn add(&mut self, kind: JunkKind, word: &str) {
        match word.strip_suffix('*') {
            Some(prefix) => self.prefixes.push((kind, prefix.to_owned())),
            None => {
                self.longest = self.longest.max(word.len());
                self.words.insert((kind, word.to_owned()), ());
            }
        }
    }
}

#[derive(Hash)]
struct JunkQuery<'a>(JunkKind, &'a str);

impl hashbrown::Equivalent<(JunkKind, String)> for JunkQuery<'_> {
    fn equivalent(&self, key: &(JunkKind, String)) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

/// Every map of `data/reference` that staging reads.
#[derive(Clone, Debug)]
pub struct Reference {
    /// `genders.csv`
    pub genders: CodeMap<Gender>,
    /// `statuses.csv`
    pub statuses: CodeMap<(CustomerStatus, Option<StatusTag>)>,
    /// `channels.csv`
    pub channels: CodeMap<ChannelWord>,
    /// `scopes.csv`
    pub scopes: CodeMap<String>,
    /// `booking_statuses.csv`
    pub bookings: CodeMap<BookingOutcome>,
    /// `message_statuses.csv`
    pub messages: CodeMap<MessageKind>,
    /// `associations.csv`; `None` for benefit providers, whose numbers are kept but never used as keys.
    pub associations: CodeMap<Option<AliasType>>,
    /// `booleans.csv`
    pub booleans: CodeMap<bool>,
    /// `junk.csv`
    pub junk: Junk,
}

/// The files as committed, by name.
const COMMITTED: [(&str, &str); 9] = [
    ("genders.csv", include_str!("../../data/reference/genders.csv")),
    ("statuses.csv", include_str!("../../data/reference/statuses.csv")),
    ("channels.csv", include_str!("../../data/reference/channels.csv")),
    ("scopes.csv", include_str!("../../data/reference/scopes.csv")),
    ("booking_statuses.csv", include_str!("../../data/reference/booking_statuses.csv")),
    ("message_statuses.csv", include_str!("../../data/reference/message_statuses.csv")),
    ("associations.csv", include_str!("../../data/reference/associations.csv")),
    ("booleans.csv", include_str!("../../data/reference/booleans.csv")),
    ("junk.csv", include_str!("../../data/reference/junk.csv")),
];

impl Reference {
    /// Yes or no by `booleans.csv`; numbers may carry a spreadsheet's `.0`.
    pub fn boolean(&self, text: &str) -> Option<bool> {
        // MySQL writes its bits as they are, and Python shows them as `b'\x01'`.
        match text {
            "\u{1}" | "b'\\x01'" | "\\x01" | "0x01" | "b'1'" => Some(true),
            "b'\\x00'" | "\\x00" | "0x00" | "b'0'" => Some(false),
            _ => self.booleans.get(&whole(text)).copied(),
        }
    }

    /// The names of the files and their texts as committed, for a folder that lacks them.
    pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
        COMMITTED.into_iter()
    }

    /// The maps as committed.
    pub fn committed() -> Self {
        Self::parse(&COMMITTED).expect("a test reads the committed maps")
    }

    /// Reads the maps from their files' texts, by name.
    pub fn parse<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Self, ReferenceError> {
        let lines = |name: &str| MapFile::of(files, name);
        Ok(Self {
            genders: lines("genders.csv")?.map(|cells| word(&cells[1]))?,
            statuses: lines("statuses.csv")?.map(|cells| {
                let tag = if cells[2].is_empty() { None } else { Some(word(&cells[2])?) };
                Ok((word(&cells[1])?, tag))
            })?,
            channels: lines("channels.csv")?
                .map(|cells| Ok(if &cells[1] == "ALL" { ChannelWord::All } else { ChannelWord::One(word(&cells[1])?) }))?,
            scopes: lines("scopes.csv")?.map(|cells| Ok(cells[1].to_owned()))?,
            bookings: lines("booking_statuses.csv")?.map(|cells| word(&cells[1]))?,
            messages: lines("message_statuses.csv")?.map(|cells| word(&cells[1]))?,
            associations: lines("associations.csv")?
                .map(|cells| Ok(if &cells[1] == "BENEFIT" { None } else { Some(word(&cells[1])?) }))?,
            booleans: lines("booleans.csv")?
                .map(|cells| cells[1].parse().map_err(|_| format!("{:?} is neither true nor false", &cells[1])))?,
            junk: lines("junk.csv")?.junk()?,
        })
    }
}

fn word<C: Code>(text: &str) -> Result<C, String> {
    C::from_code(text).ok_or_else(|| {
        let known: Vec<_> = C::ALL.iter().map(|code| code.code()).collect();
        format!("{text:?} is none of {}", known.join(", "))
    })
}

/// A file with a valid header.
struct MapFile {
    name: &'static str,
    rows: Vec<(u64, csv::StringRecord)>,
}

impl MapFile {
    fn of<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)], name: &str) -> Result<Self, ReferenceError> {
        let (file, committed) = COMMITTED.iter().find(|(file, _)| *file == name).expect("every map that is read is committed");
        let error = |line, what: &str| ReferenceError { file: (*file).to_owned(), line, what: what.to_owned() };
        let text = files.iter().find(|(file, _)| file.as_ref() == name).map(|(_, text)| text.as_ref());
        let text = text.ok_or_else(|| error(1, "the file is missing"))?;
        let header = committed.lines().next().expect("committed maps have a header");
        let names: Vec<&str> = header.split(',').collect();
        let spreadsheet = Spreadsheet::read(text)
            .map_err(|found| error(found.line, found.what))?
            .filter(|spreadsheet| spreadsheet.has_header(&names));
        let spreadsheet = spreadsheet.ok_or_else(|| error(1, &format!("the header must be {header}")))?;
        if let Some((line, _)) = spreadsheet.rows.iter().find(|(_, row)| !is_wide(row, names.len()) || row[0].is_empty()) {
            return Err(error(*line, &format!("a line must have {} cells, the first not empty: {header}", names.len())));
        }
        Ok(Self { name: file, rows: spreadsheet.rows })
    }

    fn error(&self, line: u64, what: String) -> ReferenceError {
        ReferenceError { file: self.name.to_owned(), line, what }
    }

    fn map<T>(self, meaning: impl Fn(&csv::StringRecord) -> Result<T, String>) -> Result<CodeMap<T>, ReferenceError> {
        let mut map = HashMap::with_hasher(FixedState::default());
        for (line, cells) in &self.rows {
            let value = meaning(cells).map_err(|what| self.error(*line, what))?;
            let folded = FoldedCode::of(&cells[0]).as_str().to_owned();
            if map.insert(folded, value).is_some() {
                return Err(self.error(*line, format!("the code {:?} is listed twice", &cells[0])));
            }
        }
        Ok(CodeMap(map))
    }

    fn junk(self) -> Result<Junk, ReferenceError> {
        let mut junk = Junk::default();
        for (line, cells) in &self.rows {
            let kind = JunkKind::ALL.iter().find(|(_, name)| *name == &cells[0]).map(|(kind, _)| *kind);
            let kind = kind.ok_or_else(|| self.error(*line, format!("{:?} is not a kind of junk", &cells[0])))?;
            junk.add(kind, &junk_word(kind, &cells[1]));
        }
        Ok(junk)
    }
}

/// The form in which an entry is compared: names folded, everything else in lower case.
fn junk_word(kind: JunkKind, text: &str) -> String {
    let mut buffer = String::new();
    let lower = text.to_lowercase();
    match kind {
        JunkKind::Name | JunkKind::NamePair | JunkKind::Title => {
            let mut folded = String::new();
            fold_name(&lower, &mut folded);
            if lower.ends_with('*') {
                folded.push_str(" *");
            }
            folded
        }
        _ => clean(&lower, &mut buffer, &mut Reasons::default()).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_maps_can_be_read() {
        let reference = Reference::committed();
        assert_eq!(reference.genders.get("Mnr."), Some(&Gender::Male));
        assert_eq!(reference.genders.get("N/A"), Some(&Gender::Unknown));
        assert_eq!(reference.genders.get(""), None);
        assert_eq!(reference.statuses.get("On Hold"), Some(&(CustomerStatus::Inactive, Some(StatusTag::Suspended))));
        assert_eq!(reference.channels.get("E-Mail"), Some(&ChannelWord::One(ActivityChannel::Email)));
        assert_eq!(reference.channels.get("*"), Some(&ChannelWord::All));
        assert_eq!(reference.bookings.get("NO_SHOW"), Some(&BookingOutcome::NoShow));
        assert_eq!(reference.messages.get("hard bounce"), Some(&MessageKind::Bounced));
        assert_eq!(reference.scopes.get("Tee-Time").map(String::as_str), Some("booking"));
        assert_eq!(reference.associations.get("GOLFRSA"), Some(&Some(AliasType::GolfRsaId)));
        assert_eq!(reference.associations.get("golf_rsa"), Some(&Some(AliasType::GolfRsaId)));
        assert_eq!(reference.associations.get("DISCOVERY_VITALITY"), Some(&None));
    }

    /// Whether every word of a list of domain.md §3(f) has its meaning.
    fn all_mean<T: Clone + PartialEq + std::fmt::Debug>(map: &CodeMap<T>, words: &str, meaning: T) {
        for word in words.split(' ') {
            assert_eq!(map.get(word), Some(&meaning), "{word}");
            assert_eq!(map.get(&word.to_uppercase()), Some(&meaning), "{word} in capitals");
        }
    }

    #[test]
    fn every_gender_of_domain_3f_has_its_meaning() {
        let genders = Reference::committed().genders;
        all_mean(&genders, "m male man men gent gents boy 1 mr mnr manlik", Gender::Male);
        all_mean(&genders, "f female w woman lady ladies l girl 2 mrs ms miss mev mej v vrou vroulik", Gender::Female);
        all_mean(&genders, "x nb nonbinary non-binary other d", Gender::Other);
        all_mean(&genders, "u 0 9 n/a notsaid not-said dr prof", Gender::Unknown);
        assert_eq!(genders.get("g"), None, "decided by the column");
    }

    #[test]
    fn every_member_status_of_domain_3f_has_its_meaning() {
        let statuses = Reference::committed().statuses;
        let (active, inactive) = (CustomerStatus::Active, CustomerStatus::Inactive);
        all_mean(
            &statuses,
            "active a 1 true current full paid live ok approved honorary life country student junior",
            (active, None),
        );
        all_mean(&statuses, "overdue arrears owing unpaid grace", (active, Some(StatusTag::Arrears)));
        all_mean(
            &statuses,
            "inactive i 0 false lapsed expired resigned left cancelled terminated transferred dormant archived deleted",
            (inactive, None),
        );
        all_mean(&statuses, "suspended barred frozen onhold on-hold on_hold", (inactive, Some(StatusTag::Suspended)));
        all_mean(&statuses, "pending applicant waitinglist waiting-list proposed", (inactive, Some(StatusTag::Pending)));
        all_mean(&statuses, "deceased rip r.i.p. late dead", (inactive, Some(StatusTag::Deceased)));
    }

    #[test]
    fn every_booking_status_of_domain_3f_has_its_meaning() {
        let bookings = Reference::committed().bookings;
        all_mean(&bookings, "confirmed booked reserved paid checkedin checked_in pending held", BookingOutcome::Booked);
        all_mean(&bookings, "completed played finished", BookingOutcome::Completed);
        all_mean(&bookings, "cancelled canceled refunded", BookingOutcome::Cancelled);
        all_mean(&bookings, "noshow no_show no-show", BookingOutcome::NoShow);
    }

    #[test]
    fn every_message_status_of_domain_3f_has_its_meaning() {
        let messages = Reference::committed().messages;
        all_mean(&messages, "queued pending scheduled", MessageKind::Queued);
        all_mean(&messages, "sent submitted accepted processed", MessageKind::Sent);
        all_mean(&messages, "delivered dlr success", MessageKind::Delivered);
        all_mean(&messages, "opened read seen viewed", MessageKind::Opened);
        all_mean(&messages, "clicked", MessageKind::Clicked);
        all_mean(&messages, "replied received inbound", MessageKind::Received);
        all_mean(&messages, "bounced hardbounce softbounce soft_bounce undelivered", MessageKind::Bounced);
        all_mean(&messages, "failed error rejected expired blocked", MessageKind::Failed);
        all_mean(&messages, "unsubscribed optout opt-out stop", MessageKind::Unsubscribed);
        all_mean(&messages, "complained spam abuse", MessageKind::Complained);
    }

    #[test]
    fn every_channel_scope_and_association_of_domain_3f_has_its_meaning() {
        let reference = Reference::committed();
        let one = ChannelWord::One;
        all_mean(&reference.channels, "email e-mail mail em", one(ActivityChannel::Email));
        all_mean(&reference.channels, "sms text mobile cell", one(ActivityChannel::Sms));
        all_mean(&reference.channels, "whatsapp wa", one(ActivityChannel::Whatsapp));
        all_mean(&reference.channels, "push mobilepush app webpush fcm apns", one(ActivityChannel::Push));
        all_mean(&reference.channels, "all any * marketing", ChannelWord::All);
        all_mean(&reference.channels, "voice phone call", one(ActivityChannel::Voice));
        all_mean(&reference.channels, "post letter dm", one(ActivityChannel::Post));
        all_mean(&reference.channels, "inperson in_person counter proshop", one(ActivityChannel::InPerson));
        all_mean(&reference.scopes, "marketing promo promotions", "marketing".to_owned());
        all_mean(&reference.scopes, "newsletter", "newsletter".to_owned());
        all_mean(&reference.scopes, "competition competitions tournament", "events".to_owned());
        all_mean(&reference.scopes, "teetime booking", "booking".to_owned());
        all_mean(&reference.scopes, "transactional service", "transactional".to_owned());
        all_mean(&reference.associations, "GOLF_RSA GOLFRSA SAGA SAGA_NETWORK HNA", Some(AliasType::GolfRsaId));
        all_mean(&reference.associations, "MCA", Some(AliasType::McaId));
        all_mean(&reference.associations, "DOTGOLF WHS CDH ENGLAND_GOLF CONGU", Some(AliasType::CdhId));
        all_mean(&reference.associations, "NEDBANK_GREENTIME DISCOVERY_VITALITY", None);
    }

    #[test]
    fn yes_and_no_are_read_in_the_words_of_databases_and_people() {
        let reference = Reference::committed();
        for word in ["t", "TRUE", "yes", "1", "-1", "1.0", "on", "Ja", "WAHR", "opted in", "Opt-In"] {
            assert_eq!(reference.boolean(word), Some(true), "{word}");
        }
        for word in ["f", "False", "no", "0", "0.0", "off", "nee", "NEIN", "opted_out", "unsubscribed"] {
            assert_eq!(reference.boolean(word), Some(false), "{word}");
        }
        assert_eq!(["2", "maybe", "", "misschien"].map(|word| reference.boolean(word)), [None; 4]);
    }

    #[test]
    fn every_junk_value_of_domain_4_6_is_listed() {
        let junk = Reference::committed().junk;
        let listed = |kind, words: &str| words.split(' ').for_each(|word| assert!(junk.has(kind, word), "{word}"));
        let locals =
            "test noemail no-email noreply no-reply donotreply none na n/a unknown nomail nil null abc asdf xxx a temp dummy";
        listed(JunkKind::EmailLocal, locals);
        listed(JunkKind::EmailLocal, "example changeme");
        listed(
            JunkKind::EmailDomain,
            "example.com example.org example.net test.com noemail.org none.com mailinator.com localhost",
        );
        listed(JunkKind::EmailDomainIfLocal, "email.com");
        listed(JunkKind::RoleLocal, "info admin office golf proshop reception bookings secretary manager accounts");
        listed(JunkKind::Phone, "123456789 987654321 0123456789 0111111111");
        listed(JunkKind::Name, "fourball unknown tba tbc x xx");
        listed(JunkKind::NamePair, "test guest visitor member");
        listed(JunkKind::Born, "0001-01-01 1753-01-01 1899-12-30 1899-12-31 1900-01-01 1901-01-01 9999-12-31");
        listed(JunkKind::BornIfFrequent, "1970-01-01 2000-01-01");
        listed(JunkKind::Id, "0 -1 null none undefined anonymous");
    }

    #[test]
    fn junk_matches_whole_words_and_listed_prefixes() {
        let junk = Reference::committed().junk;
        assert!(junk.has(JunkKind::EmailDomain, "noemail.co.za"));
        assert!(!junk.has(JunkKind::EmailDomain, "noemails.co.za"));
        assert!(junk.has(JunkKind::Name, "guest of smith"));
        assert!(!junk.has(JunkKind::Name, "guest"), "Guest is a family name");
        assert!(junk.has(JunkKind::NamePair, "guest"));
        assert!(junk.has(JunkKind::Id, "-1"));
    }

    fn with(name: &str, text: &str) -> Result<Reference, ReferenceError> {
        let files: Vec<_> =
            COMMITTED.iter().map(|&(file, committed)| (file, if file == name { text } else { committed })).collect();
        Reference::parse(&files)
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = with("genders.csv", "code,gender\nm,MALE\nf,FEMLE\n").unwrap_err();
        assert_eq!(error.to_string(), r#"genders.csv line 3: "FEMLE" is none of MALE, FEMALE, OTHER, UNKNOWN"#);
        let error = with("genders.csv", "code,gender\nm,MALE\nM.,MALE\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert_eq!(with("scopes.csv", "a,b\n").unwrap_err().line, 1);
    }

    #[test]
    fn a_map_saved_by_a_spreadsheet_says_the_same() {
        for text in [
            "\u{feff}code;status;tag\r\nProbe;ACTIVE;\r\n\"Op proef; half\";INACTIVE;pending\r\n;;\r\n",
            "\"code\",\"status\",\"tag\"\n\"Probe\",\"ACTIVE\",\"\"\n\"Op proef; half\",INACTIVE,pending\n",
            "code,status,tag,,\r\nProbe,ACTIVE,,,\r\n\r\nOp proef; half,INACTIVE,pending,,\r\n",
        ] {
            let statuses = with("statuses.csv", text).unwrap_or_else(|error| panic!("{text:?}: {error}")).statuses;
            assert_eq!(statuses.get("probe"), Some(&(CustomerStatus::Active, None)), "{text:?}");
            let pending = (CustomerStatus::Inactive, Some(StatusTag::Pending));
            assert_eq!(statuses.get("OP PROEF; HALF"), Some(&pending), "{text:?}");
        }
    }
}
