//! Compares birth dates, with typical typing errors: one wrong digit, two neighbouring digits swapped, or day and month swapped.

/// The relation of two birth dates (yyyymmdd, 0 if absent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BirthMatch {
    /// The same.
    Equal,
    /// One typing error apart.
    Near,
    /// Same year, and one of them is 1 January, which is entered where only the year is known.
    Year,
    /// One side has none, or a mistyped one that cannot exist.
    Unknown,
    /// Different.
    Conflict,
}

/// Compares birth dates.
pub fn compare_births(a: u32, b: u32) -> BirthMatch {
    if !is_possible(a) && !is_possible(b) {
        BirthMatch::Unknown
    } else if a == b {
        BirthMatch::Equal
    } else if is_near(a, b) {
        BirthMatch::Near
    } else if !is_possible(a) || !is_possible(b) {
        BirthMatch::Unknown
    } else if a / 10_000 == b / 10_000 && (is_new_year(a) || is_new_year(b)) {
        BirthMatch::Year
    } else {
        BirthMatch::Conflict
    }
}

/// Whether the date may exist. One that cannot is mistyped, so it never contradicts another.
fn is_possible(date: u32) -> bool {
    (1900..2100).contains(&(date / 10_000)) && (1..=12).contains(&(date / 100 % 100)) && (1..=31).contains(&(date % 100))
}

/// Whether both are given and cannot be one date.
pub fn births_conflict(a: u32, b: u32) -> bool {
    compare_births(a, b) == BirthMatch::Conflict
}

fn is_new_year(date: u32) -> bool {
    date % 10_000 == 101
}

fn is_near(a: u32, b: u32) -> bool {
    let swapped = a / 10_000 == b / 10_000 && a / 100 % 100 == b % 100 && a % 100 == b / 100 % 100;
    let is_half_equal = a / 10_000 == b / 10_000 || a % 10_000 == b % 10_000;
    swapped || (is_half_equal && is_one_digit_or_swap(a, b))
}

/// Whether one digit differs, or two neighbouring digits are swapped.
fn is_one_digit_or_swap(mut a: u32, mut b: u32) -> bool {
    while a % 10 == b % 10 && a != b {
        (a, b) = (a / 10, b / 10);
    }
    a / 10 == b / 10 || (a / 100 == b / 100 && a % 10 == b / 10 % 10 && b % 10 == a / 10 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digit_or_a_swap_is_near() {
        assert_eq!(compare_births(19850315, 19850316), BirthMatch::Near);
        assert_eq!(compare_births(19850305, 19850503), BirthMatch::Near);
        assert_eq!(compare_births(19850315, 19580315), BirthMatch::Near);
        assert_eq!(compare_births(19901020, 19900120), BirthMatch::Near);
        assert_eq!(compare_births(19901020, 19900121), BirthMatch::Conflict);
        assert_eq!(compare_births(19701223, 19710223), BirthMatch::Conflict);
        assert_eq!(compare_births(19850315, 19850315), BirthMatch::Equal);
        assert_eq!(compare_births(19850315, 19860316), BirthMatch::Conflict);
        assert_eq!(compare_births(0, 19860316), BirthMatch::Unknown);
    }

    #[test]
    fn a_date_that_cannot_exist_is_a_typing_error_and_contradicts_nothing() {
        for (a, b) in [(19942407, 19940724), (10610308, 19610308), (19780008, 19781008)] {
            assert_eq!(compare_births(a, b), BirthMatch::Near, "{a} {b}");
        }
        assert_eq!(compare_births(19942407, 19851103), BirthMatch::Unknown);
        assert_eq!(compare_births(99999999, 99999999), BirthMatch::Unknown);
    }

    #[test]
    fn the_first_of_january_fits_every_date_of_its_year_and_no_other() {
        assert_eq!(compare_births(19770629, 19770101), BirthMatch::Year);
        assert_eq!(compare_births(19770101, 19771225), BirthMatch::Year);
        assert_eq!(compare_births(19770629, 19790101), BirthMatch::Conflict);
        assert!(!births_conflict(19770101, 19770629));
    }
}
