//! The one table of weights: what each observation on a pair of records is worth, and why.

use crate::resolve::compare::weight::Weight;

/// Declares the observations with their words, weights and reasons.
macro_rules! weights {
    ($($(#[$meta:meta])* $piece:ident $words:literal $bits:literal $reason:literal),+ $(,)?) => {
        /// One observation on a pair of records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Piece { $(#[doc = $reason] $piece),+ }

        impl Piece {
            /// Every observation in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$piece),+];

            /// The observation in words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$piece => $words),+ }
            }

            /// Its weight; none where the weight depends on the value ([`Piece::Rarity`], [`Piece::NameBornAlone`]).
            pub const fn weight(self) -> Weight {
                match self { $(Self::$piece => Weight::rounded($bits)),+ }
            }

            /// Why it has that weight.
            pub fn reason(self) -> &'static str {
                match self { $(Self::$piece => $reason),+ }
            }
        }
    };
}

weights! {
    AuthSame "same identity-provider subject" 8.0 "One login is one person, except where a family shares it.",
    AuthDifferent "different identity-provider subjects" -3.0 "Few people have two logins.",
    GolfRsaSame "same South African handicap number" 9.0 "Issued once per golfer; sometimes a relative's is typed in.",
    GolfRsaNear "South African handicap numbers one digit apart" -1.0 "A slip of the pen, or a neighbour in the register.",
    GolfRsaDifferent "different South African handicap numbers" -8.0 "Nobody holds two.",
    CdhSame "same CDH number" 9.0 "Issued once per golfer; sometimes a relative's is typed in.",
    CdhNear "CDH numbers one digit apart" -1.0 "A slip of the pen, or a neighbour in the register.",
    CdhDifferent "different CDH numbers" -8.0 "Two are an error of the register that only a person can confirm.",
    McaSame "quotes the legacy member number" 10.0 "The player gave the number of exactly this record.",
    McaDifferent "quotes another legacy member number" -3.0 "Members do have two legacy records, but seldom.",
    LegacyTwice "two legacy records of one region" -1.0 "Registering twice happens to one member in thirty.",
    EmailOne "same address, one owner" 5.0 "Nobody else is seen to use the address.",
    EmailTwo "same address, two owners" 0.0 "A couple's address proves the couple.",
    EmailThree "same address, three owners" -1.0 "A family's address.",
    EmailFour "same address, four owners" -1.6 "A family's or an office's address.",
    EmailHub "same address, many owners, same full name" -2.5 "A reception's address; only the name speaks.",
    EmailNear "addresses one letter apart" 0.0 "A slip of the pen or a namesake: the name has to decide, but nothing speaks against.",
    EmailDifferent "different addresses" -0.7 "People change addresses, but most have one.",
    PhoneOne "same number, one owner" 4.0 "Numbers are shared and recycled more than addresses.",
    PhoneFixed "same fixed line, one owner" 2.5 "A fixed line is a household's.",
    PhoneTwo "same number, two owners" 0.0 "A couple's number.",
    PhoneThree "same number, three owners" -1.0 "A family's number.",
    PhoneFour "same number, four owners" -1.6 "A family's or an office's number.",
    PhoneHub "same number, many owners, same full name" -2.5 "A reception's number; only the name speaks.",
    PhoneNear "numbers with two digits swapped" 3.0 "A slip of the pen, when the full name is equal too.",
    PhoneDifferent "different numbers" -0.7 "People change numbers, but most have one.",
    FirstEqual "first name equal" 4.5 "One in twenty pairs of strangers shares one.",
    FirstClose "first name a form or slip of the other" 3.0 "Nicknames and slips are rarer than equality among one person's records.",
    FirstInitial "first name begins alike" 1.5 "An initial says one letter.",
    FirstConflict "different first names" -7.0 "Another person of the household.",
    LastEqual "surname equal" 0.7 "Households share it, so it says little.",
    LastNear "surname nearly equal" 0.5 "A slip, or one half of a double name.",
    LastDifferent "different surnames" -2.5 "Marriage changes them, seldom else.",
    Rarity "rare surname" 0.0 "Up to 6 bits: how much rarer than one in 512 the surname is, when the full names are equal.",
    BornEqual "birth date equal" 5.6 "One in some twenty thousand; twins share it.",
    BornNear "birth date one slip apart" 2.0 "One digit, or day and month swapped.",
    BornYear "birth dates of one year, one of them its 1 January" 0.5 "1 January is written where only the year is known.",
    BornDifferent "different birth dates" -6.0 "Father and son of one name.",
    NameBorn "first name and birth date equal together" 1.0 "Slips do not hit both.",
    NameBornAlone "only name and birth date in common" 0.0 "Counted: how many namesakes born alike are expected by chance among so many records with these names.",
    NoKey "no key in common" -9.0 "Equal names alone are namesakes.",
    Crowd "alike only, among many records" 0.0 "One bit less for each doubling beyond 270,000 records: namesakes grow with the square of the records, true pairs do not.",
    GenderDifferent "different gender" -3.0 "Entered wrongly in a few per cent.",
    NamelessBoth "both without a name" -1.2 "One key says which household, not who.",
    NamelessPair "both without a name, in one source" -4.0 "A source lists a person once; two are more often a couple.",
    HomeEmailOne "its address is used by one person" 6.0 "Nobody else is seen to use the address.",
    HomeEmailTwo "its address is used by two people" 1.3 "A couple's address.",
    HomeEmailMore "its address is used by three people or more" 0.7 "A family's address.",
    HomeEmailDifferent "its address is not seen with this person" -0.8 "People change addresses, but most have one.",
    HomeEmailOfAnother "its address is another person's" -1.5 "The record is more likely that other person's.",
    HomePhoneOne "its number is used by one person" 6.6 "Nobody else is seen to use the number.",
    HomePhoneFixed "its fixed line is used by one person" 4.2 "A fixed line is a household's.",
    HomePhoneTwo "its number is used by two people" 2.1 "A couple's number.",
    HomePhoneMore "its number is used by three people or more" 1.6 "A family's number.",
    HomePhoneDifferent "its number is not seen with this person" -0.4 "People change numbers, but most have one.",
    HomePhoneOfAnother "its number is another person's" -1.9 "The record is more likely that other person's.",
    HomeEmailSecond "another nameless record on one person's address" -2.7 "A source lists a person once: one of the two is somebody unseen.",
    HomeEmailThird "more nameless records on one person's address" -3.6 "A source lists a person once: most of them are people unseen.",
    HomeEmailSharedSecond "another nameless record on the shared address" -0.5 "Each of the users has one, as a rule.",
    HomeEmailSharedThird "more nameless records on the shared address" -0.9 "Each of the users has one, as a rule.",
    HomePhoneSecond "another nameless record on one person's number" -2.6 "A source lists a person once: one of the two is somebody unseen.",
    HomePhoneThird "more nameless records on one person's number" -4.0 "A source lists a person once: most of them are people unseen.",
    HomePhoneSharedSecond "another nameless record on the shared number" -0.3 "Each of the users has one, as a rule.",
    HomePhoneSharedThird "more nameless records on the shared number" -0.6 "Each of the users has one, as a rule.",
    HomeBothOwn "this person alone uses the address, and the number" -1.1 "The two keys belong together, so the second says less than alone.",
    HomeBothEmailOwn "this person alone uses the address, and the number with others" -1.5 "The two keys belong together, so the second says less than alone.",
    HomeOnlyUser "the only person who uses both" -0.8 "Corrects for what the two keys have said.",
    HomeOneOfUsers "one of several people who use both" -1.4 "Fits the others as well.",
    HomeAnotherUser "another person uses both" -0.6 "That one fits better.",
    BesidePhoneSilent "the address names nobody, and the number is this person's" -0.5 "With the number the address takes little away.",
    BesidePhoneOther "the address names somebody else, though the number is this person's" -0.6 "With the number the address takes little away.",
    SoleFirst "the address names the first name" 2.4 "The mailbox is this person's own.",
    SoleInitial "the address names the surname and initial" 2.7 "The mailbox is this person's own, or a namesake's of the same initial.",
    SoleSurname "the address names the surname only" -1.0 "A family's mailbox, of whom one is seen.",
    SoleOtherInitial "the address names another initial" -1.3 "A mailbox of another person of the household.",
    SoleOther "the address names another first name" -1.4 "A mailbox of another person of the household.",
    SharedFirst "of several users the address names this one's first name" 1.7 "The mailbox is this person's, and others use it.",
    SharedInitial "of several users the address names this one's surname and initial" 1.7 "The mailbox is this person's, and others use it.",
    SharedSurname "the shared address names the surname only" 0.8 "Fits everybody in the household.",
    SharedOtherInitial "the shared address names another initial" 1.0 "Who uses another's mailbox has none of his own: a child, a spouse.",
    SharedOther "the shared address names another first name" 0.9 "Who uses another's mailbox has none of his own: a child, a spouse.",
    OwnFirst "its own address names the first name" 3.7 "The other address is an old one of the same person.",
    OwnInitial "its own address names the surname and initial" 3.0 "The other address is an old one of the same person.",
    OwnSurname "its own address names the surname only" 0.5 "The person's other address, or a relative's.",
    OwnOtherInitial "its own address names another initial" -2.3 "Another person of the household, who shares the number.",
    OwnOther "its own address names another first name" -2.5 "Another person of the household, who shares the number.",
    OwnOtherFamily "its own address names another surname" -2.3 "Another person, who shares the number.",
    OwnSilent "its own address names nobody that is known" -1.0 "Often another person of the household.",
    GuestAlone "no member's number, alone on an address and number that do not name this person" -9.0 "Perhaps a guest under the address and number of a host, whose the record is: three in five are right.",
    GuestByEmail "no member's number, alone on an address that does not name this person" -6.0 "Perhaps a guest under the address of a host, whose the record is: two thirds are right.",
    GuestOfNamed "no member's number, on an address that names another user" -6.0 "Perhaps a guest of the user whom the address names, whose the record is.",
    GuestByPhoneAmongMany "no member's number, alone on a number whose address several use" -4.0 "Perhaps a guest under the number of one of them, whose the record is.",
    GuestAmongMany "no member's number, on an address of several that does not name this person" -0.6 "Perhaps a guest of one of them.",
    GuestOfOtherFamily "no member's number, on the number of a record whose own address names another surname" -3.0 "Perhaps a guest under the number of a host, whom the address names.",
    GuestByPhone "no member's number, on a number only" -0.7 "Perhaps a guest under the number of a host.",
    SourceListed "the person has a named record of the same source" -6.0 "A source lists a person once; real doubles have more in common.",
    SourceClaimed "another nameless record of the same source is this person's" -4.0 "A source lists a person once, and somebody else may be who is meant.",
    SourceClaimedAlone "the same, where nobody else is seen" -1.0 "The number of nameless records has told most of it already.",
    HouseholdLeaves "the others of the household have records of their own there" 0.0 "What the records of a household, weighed together, leave to this person.",
    HouseholdClaims "others of the household may be meant as well" 0.0 "What the records of a household, weighed together, take from this person.",
    TagOther "the address's tag names somebody else" -6.0 "name+child@ is how parents register children.",
}

/// From here on a pair is linked: 3 bits.
pub const LINK: Weight = Weight::bits(3);
/// From here on a pair is worth a look.
pub const REVIEW: Weight = Weight::ZERO;
/// Two best choices closer than this are no choice: 1 bit.
pub const MARGIN: Weight = Weight::bits(1);
/// What a decision weighs; more than all evidence together.
pub const FORCED: Weight = Weight::bits(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_says_why() {
        assert!(Piece::ALL.iter().all(|piece| piece.reason().len() > 10));
    }
}
