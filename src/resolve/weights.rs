//! The one table of weights: what each observation on a pair of records is worth, in sixteenths of a bit, and why.

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

            /// Its weight in sixteenths of a bit; 0 where the weight depends on the value ([`Piece::Rarity`]).
            pub const fn bits16(self) -> i32 {
                match self { $(Self::$piece => sixteenths($bits)),+ }
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
    EmailNear "addresses one letter apart" 3.0 "A slip of the pen, when the full name is equal too.",
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
    BornDifferent "different birth dates" -6.0 "Father and son of one name.",
    NameBorn "first name and birth date equal together" 1.0 "Slips do not hit both.",
    NameBornAlone "same name and birth date" 3.0 "Enough by itself: brings the pair to the weight of a key.",
    NoKey "no key in common" -9.0 "Equal names alone are namesakes.",
    GenderDifferent "different gender" -3.0 "Entered wrongly in a few per cent.",
    LocalFirst "the address names the first name" 2.5 "The mailbox is this person's own.",
    LocalFirstShared "of several owners the address names this one" 2.8 "Six to nine tenths are right: worth a look, a link only with the number.",
    LocalInitialShared "of several owners the address names this one's surname and initial" 2.8 "Two thirds to nine tenths are right: worth a look, not a link.",
    LocalLastSole "the address names the surname, one owner" -2.1 "A family's mailbox, of whom one is seen: three quarters are right without the number.",
    LocalLastShared "the address names the surname, several owners" 0.3 "Fits everybody in the household.",
    LocalSilent "the address names nobody that is known" -2.1 "Four fifths are right by the address alone, all but few with the number too.",
    OwnSilent "its own address names nobody that is known" -0.5 "Another address and no name: often another person of the household.",
    OwnSurname "its own address names the surname only" -1.2 "A family's mailbox beside a number: often another person of the household.",
    NamelessBoth "both without a name" -1.2 "One key says which household, not who.",
    NamelessPair "both without a name, in one source" -2.5 "A source lists a person once; two are more often a couple.",
    LocalNeither "a shared address that names neither" -1.5 "Could be any of its owners.",
    LocalInitial "the address names the surname and initial" 1.5 "The mailbox is this person's own, or a namesake's of the same initial.",
    OnlyBoth "the only owner of both the address and the number" 2.8 "Four fifths are right: worth a look, not a link.",

    LocalOtherInitial "the address names another initial" -2.5 "A mailbox of another person of the household.",
    OwnFirst "its own address names the first name" 2.5 "The other address is an old one of the same person.",
    OwnInitial "its own address names the surname and initial" 1.5 "The other address is an old one of the same person.",
    OwnOtherInitial "its own address names another initial" -3.0 "Another person of the household, who shares the number.",
    OwnOther "its own address names somebody else" -3.0 "Another person of the household, who shares the number.",
    LocalOther "the address names somebody else" -2.5 "A mailbox of another person of the household.",
    TagOther "the address's tag names somebody else" -6.0 "name+child@ is how parents register children.",
}

const fn sixteenths(bits: f64) -> i32 {
    (bits * 16.0 + if bits < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// From here on a pair is linked: 3 bits.
pub const LINK16: i32 = 3 * 16;
/// From here on a pair is worth a look.
pub const REVIEW16: i32 = 0;
/// Two best choices closer than this are no choice: 1 bit.
pub const MARGIN16: i32 = 16;
/// What a decision weighs; more than all evidence together.
pub const FORCED16: i32 = 100 * 16;

/// Bits as text, to one decimal: `+4.5`.
pub fn bits_text(bits16: i32) -> String {
    let tenths = (bits16 * 10 + if bits16 < 0 { -8 } else { 8 }) / 16;
    let sign = if tenths < 0 { '-' } else { '+' };
    format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_rounded_to_the_nearest_sixteenth() {
        assert_eq!(Piece::FirstEqual.bits16(), 72);
        assert_eq!(Piece::EmailFour.bits16(), -26);
        assert_eq!(Piece::EmailDifferent.bits16(), -11);
        assert_eq!(Piece::BornEqual.bits16(), 90);
    }

    #[test]
    fn bits_print_to_one_decimal() {
        assert_eq!(bits_text(72), "+4.5");
        assert_eq!(bits_text(-11), "-0.7");
        assert_eq!(bits_text(0), "+0.0");
    }

    #[test]
    fn every_weight_says_why() {
        assert!(Piece::ALL.iter().all(|piece| piece.reason().len() > 10));
    }
}
