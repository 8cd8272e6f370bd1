//! The table of match weights: every comparison level of a pair of records, its weight in bits, and the reason for it.

use crate::resolve::compare::weight::Weight;

/// Declares the comparison levels with their words, weights and reasons.
macro_rules! weights {
    ($($(#[$meta:meta])* $piece:ident $words:literal $bits:literal $reason:literal),+ $(,)?) => {
        /// A comparison level of a pair of records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ComparisonLevel { $(#[doc = $reason] $piece),+ }

        impl ComparisonLevel {
            /// Every comparison level in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$piece),+];

            /// The comparison level in words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$piece => $words),+ }
            }

            /// Its weight; 0 if the weight depends on the value ([`ComparisonLevel::Rarity`], [`ComparisonLevel::NameBornAlone`]).
            pub const fn weight(self) -> Weight {
                match self { $(Self::$piece => Weight::rounded($bits)),+ }
            }

            /// Why it has that weight.
            pub fn reason(self) -> &'static str {
                match self { $(Self::$piece => $reason),+ }
            }

            /// Whether it only takes back a part of other weights, which overlap.
            pub fn is_correction(self) -> bool {
                matches!(
                    self,
                    Self::HomeBothOwn
                        | Self::HomeBothEmailOwn
                        | Self::HomeOnlyUser
                        | Self::BesidePhoneSilent
                        | Self::BesidePhoneOther
                        | Self::SourceClaimedAlone
                        | Self::Crowd
                )
            }
        }
    };
}

weights! {
    AuthSame "same identity-provider subject" 8.0 "One login is one person, except where a family shares it.",
    AuthDifferent "different identity-provider subjects" -3.0 "Few people have two logins.",
    GolfRsaSame "same South African handicap number" 9.0 "Issued once per golfer; sometimes a relative's is typed in.",
    GolfRsaSlip "South African handicap numbers a typing error apart" 5.0 "Seldom the number of another golfer.",
    GolfRsaNear "South African handicap numbers that differ in the last digit" -1.0 "A typing error, or a neighbour in the register.",
    GolfRsaDifferent "different South African handicap numbers" -8.0 "A golfer has only one.",
    CdhSame "same CDH number" 9.0 "Issued once per golfer; sometimes a relative's is typed in.",
    CdhSlip "CDH numbers a typing error apart" 5.0 "Seldom the number of another golfer.",
    CdhNear "CDH numbers that differ in the last digit" -1.0 "A typing error, or a neighbour in the register.",
    CdhDifferent "different CDH numbers" -8.0 "Two are an error of the register that only a person can confirm.",
    McaSame "quotes the legacy member number" 10.0 "The player gave the number of exactly this record.",
    McaDifferent "quotes another legacy member number" -3.0 "Members do have two legacy records, but seldom.",
    LegacyTwice "two legacy records of one region" -1.0 "Registering twice happens to one member in thirty.",
    EmailOne "same email, used by one person" 5.0 "No other person is seen with the email.",
    EmailTwo "same email, used by two people" 0.0 "A couple's email proves the couple.",
    EmailThree "same email, used by three people" -1.0 "A family's email.",
    EmailFour "same email, used by four people" -1.6 "A family's or an office's email.",
    EmailHub "same email, used by many people, same full name" -2.5 "A reception's email; only the name counts.",
    EmailNear "emails one letter apart" 0.0 "A typing error or a namesake: the name decides.",
    EmailDifferent "different emails" -0.7 "People change emails, but most have one.",
    PhoneOne "same phone, used by one person" 4.0 "Phones are shared and recycled more than emails.",
    PhoneFixed "same fixed line, used by one person" 2.5 "A fixed line is a household's.",
    PhoneTwo "same phone, used by two people" 0.0 "A couple's phone.",
    PhoneThree "same phone, used by three people" -1.0 "A family's phone.",
    PhoneFour "same phone, used by four people" -1.6 "A family's or an office's phone.",
    PhoneHub "same phone, used by many people, same full name" -2.5 "A reception's phone; only the name counts.",
    PhoneNear "phones with two digits swapped" 3.0 "A typing error, if the full name is equal, too.",
    PhoneDifferent "different phones" -0.7 "People change phones, but most have one.",
    FirstEqual "first name equal" 4.5 "One in twenty pairs of strangers has it.",
    FirstClose "first name a form or slip of the other" 3.0 "Nicknames and slips are rarer than equality among one person's records.",
    FirstInitial "first name begins alike" 1.5 "An initial is only one letter.",
    FirstConflict "different first names" -7.0 "Another person of the household.",
    LastEqual "surname equal" 0.7 "Households share it, so it counts little.",
    LastNear "surname nearly equal" 0.5 "A typing error, or one half of a double name.",
    LastDifferent "different surnames" -2.5 "Surnames change by marriage, seldom otherwise.",
    Rarity "rare surname" 0.0 "Up to 6 bits: how much rarer than one in 512 the surname is, when the full names are equal.",
    BornEqual "birth date equal" 5.6 "One in some twenty thousand; twins share it.",
    BornNear "birth date one slip apart" 2.0 "One digit, or day and month swapped.",
    BornYear "birth dates of one year, one of them its 1 January" 0.5 "1 January is written where only the year is known.",
    BornDifferent "different birth dates" -6.0 "Father and son of one name.",
    NameBorn "first name and birth date equal together" 1.0 "Typing errors seldom affect both.",
    NameBornAlone "only name and birth date in common" 0.0 "Computed: the number of such pairs expected by chance, given the number of records and the frequency of the names.",
    NoKey "no key in common" -9.0 "Equal names alone are namesakes.",
    Crowd "only name and birth date in common, among many records" 0.0 "One bit less for each doubling beyond 270,000 records: namesakes grow with the square of the records, true pairs do not.",
    GenderDifferent "different gender" -3.0 "Entered wrongly in a few per cent.",
    NamelessBoth "both without a name" -1.2 "One key identifies a household, not a person.",
    NamelessPair "both without a name, in one source" -4.0 "A source lists a person once; two are more often a couple.",
    HomeEmailOne "its email is used by one person" 6.0 "No other person is seen with the email.",
    HomeEmailTwo "its email is used by two people" 1.3 "A couple's email.",
    HomeEmailMore "its email is used by three people or more" 0.7 "A family's email.",
    HomeEmailDifferent "its email is not seen with this person" -0.8 "People change emails, but most have one.",
    HomeEmailOfAnother "its email is another person's" -1.5 "The record is more likely that other person's.",
    HomePhoneOne "its phone is used by one person" 6.6 "No other person is seen with the phone.",
    HomePhoneFixed "its fixed line is used by one person" 4.2 "A fixed line is a household's.",
    HomePhoneTwo "its phone is used by two people" 2.1 "A couple's phone.",
    HomePhoneMore "its phone is used by three people or more" 1.6 "A family's phone.",
    HomePhoneDifferent "its phone is not seen with this person" -0.4 "People change phones, but most have one.",
    HomePhoneOfAnother "its phone is another person's" -1.9 "The record is more likely that other person's.",
    HomeEmailSecond "another record without a name on one person's email" -2.7 "A source lists a person once: one of the two is an unseen person.",
    HomeEmailThird "more records without a name on one person's email" -3.6 "A source lists a person once: most of them are unseen people.",
    HomeEmailSharedSecond "another record without a name on the shared email" -0.5 "Each of the users has one, as a rule.",
    HomeEmailSharedThird "more records without a name on the shared email" -0.9 "Each of the users has one, as a rule.",
    HomePhoneSecond "another record without a name on one person's phone" -2.6 "A source lists a person once: one of the two is an unseen person.",
    HomePhoneThird "more records without a name on one person's phone" -4.0 "A source lists a person once: most of them are unseen people.",
    HomePhoneSharedSecond "another record without a name on the shared phone" -0.3 "Each of the users has one, as a rule.",
    HomePhoneSharedThird "more records without a name on the shared phone" -0.6 "Each of the users has one, as a rule.",
    HomeBothOwn "this person alone uses the email, and the phone" -1.1 "Email and phone of one person are not two independent proofs: the second counts less than alone.",
    HomeBothEmailOwn "this person alone uses the email, and the phone with others" -1.5 "Email and phone of one person are not two independent proofs: the second counts less than alone.",
    HomeOnlyUser "the only person who uses both" -0.8 "Email and phone of one household are not two independent proofs: together they count less than their sum.",
    HomeOneOfUsers "one of several people who use both" -1.4 "Fits the others as well.",
    HomeAnotherUser "another person uses both" -0.6 "That one fits better.",
    BesidePhoneSilent "the email names no known person, and the phone is this person's" -0.5 "Given the phone, the email counts little.",
    BesidePhoneOther "the email names another person, but the phone is this person's" -0.6 "Given the phone, the email counts little.",
    SoleFirst "the email names the first name" 2.4 "The mailbox is this person's own.",
    SoleInitial "the email names the surname and initial" 2.7 "The mailbox is this person's own, or a namesake's of the same initial.",
    SoleSurname "the email names the surname only" -1.0 "A family's mailbox of which one user is seen.",
    SoleOtherInitial "the email names another initial" -1.3 "A mailbox of another person of the household.",
    SoleOther "the email names another first name" -1.4 "A mailbox of another person of the household.",
    SharedFirst "of several users the email names this one's first name" 1.7 "The mailbox is this person's, and others use it.",
    SharedInitial "of several users the email names this one's surname and initial" 1.7 "The mailbox is this person's, and others use it.",
    SharedSurname "the shared email names the surname only" 0.8 "Fits everybody in the household.",
    SharedOtherInitial "the shared email names another initial" 1.0 "People without a mailbox use that of a parent or spouse.",
    SharedOther "the shared email names another first name" 0.9 "People without a mailbox use that of a parent or spouse.",
    OwnFirst "its own email names the first name" 3.7 "The other email is an old one of the same person.",
    OwnInitial "its own email names the surname and initial" 3.0 "The other email is an old one of the same person.",
    OwnSurname "its own email names the surname only" 0.5 "The person's other email, or a relative's.",
    OwnOtherInitial "its own email names another initial" -2.3 "Another person of the household, who shares the phone.",
    OwnOther "its own email names another first name" -2.5 "Another person of the household, who shares the phone.",
    OwnOtherFamily "its own email names another surname" -2.3 "Another person, who shares the phone.",
    OwnSilent "its own email names no known person" -1.0 "Often another person of the household.",
    GuestAlone "no member's number, alone on an email and phone that do not name this person" -9.0 "Perhaps a guest with the email and phone of a host, to whom the record belongs: three in five are right.",
    GuestByEmail "no member's number, alone on an email that does not name this person" -6.0 "Perhaps a guest with the email of a host, to whom the record belongs: two thirds are right.",
    GuestOfNamed "no member's number, on an email that names another user" -6.0 "Perhaps a guest of the user whom the email names, to whom the record belongs.",
    GuestByPhoneAmongMany "no member's number, alone on a phone whose email several use" -4.0 "Perhaps a guest with the phone of one of them, to whom the record belongs.",
    GuestAmongMany "no member's number, on an email of several that does not name this person" -0.6 "Perhaps a guest of one of them.",
    GuestOfOtherFamily "no member's number, on the phone of a record whose own email names another surname" -3.0 "Perhaps a guest with the phone of a host, whom the email names.",
    GuestByPhone "no member's number, on a phone only" -0.7 "Perhaps a guest with the phone of a host.",
    SourceListed "the person has a named record of the same source" -6.0 "A source lists a person once; real duplicates have more in common.",
    SourceClaimed "another record without a name of the same source is this person's" -4.0 "A source lists a person once, so another person may be meant.",
    SourceClaimedAlone "the same, and no other person is seen" -1.0 "The other evidence about records without a name covers most of this.",
    HouseholdLeaves "the other people of the household have records of their own in the source" 0.0 "Weighed together, the records of the household leave this one to the person.",
    HouseholdClaims "other people of the household may be meant as well" 0.0 "Weighed together, the records of the household support other people, too.",
    TagOther "the tag of the email names another person" -6.0 "name+child@ is how parents register children.",
}

/// Match threshold: pairs of at least this match weight are linked: 3 bits.
pub const LINK: Weight = Weight::bits(3);
/// Pairs of at least this match weight are listed for clerical review: 0 bits.
pub const REVIEW: Weight = Weight::ZERO;
/// The best choice must lead the second one by at least this much: 1 bit.
pub const MARGIN: Weight = Weight::bits(1);
/// Match weight of a manual decision; more than all evidence together.
pub const FORCED: Weight = Weight::bits(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_says_why() {
        assert!(ComparisonLevel::ALL.iter().all(|piece| piece.reason().len() > 10));
    }

    #[test]
    fn a_correction_takes_weight_back() {
        let corrections = ComparisonLevel::ALL.iter().filter(|piece| piece.is_correction());
        assert!(corrections.into_iter().all(|piece| piece.weight() <= Weight::ZERO));
    }
}
